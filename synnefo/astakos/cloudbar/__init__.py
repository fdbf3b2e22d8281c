"""What pages elsewhere need of Astakos: the bar over all services, coming and going for signing in, native
clients' web login, the cookie that scripts of long ago read."""
