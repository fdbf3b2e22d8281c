"""A web server in front of this cloud that knows who somebody is, as Apache with mod_shib would: nginx.

It asks for a password where mod_shib would ask an organisation, and says in headers what that would tell.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.methods.servers import free_port, listens, program, running

#: Where its connections come from; everything else of this machine comes from 127.0.0.1.
ADDRESS = "127.0.0.2"
PASSWORD = "an organisation's"

_CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    proxy_bind {address};
    proxy_set_header Host $host:$server_port;
    proxy_set_header Remote-User "";
    location / {{ proxy_pass {upstream}; }}
    location /ui/login/shibboleth/authenticated/ {{
      auth_basic "organisation";
      auth_basic_user_file {folder}/people;
      proxy_set_header Host $host:$server_port;
      proxy_set_header Remote-User $remote_user;
{headers}
      proxy_pass {upstream};
    }}
  }}
}}
"""


@contextmanager
def proxy(folder: Path, upstream: str, people: list[str], headers: Mapping[str, str]) -> Iterator[str]:
    """Its address; ``headers`` are told of everybody."""
    port = free_port()
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
    (folder / "people").write_text("".join(f"{name}:{{SHA}}{digest}\n" for name in people))
    lines = "\n".join(f'      proxy_set_header {name} "{value}";' for name, value in headers.items())
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(folder=folder, port=port, address=ADDRESS, upstream=upstream, headers=lines)
    )
    command = [program("nginx"), "-c", str(config), "-p", str(folder)]
    with running(command, folder / "log", lambda: listens(port)):
        yield f"http://127.0.0.1:{port}"
