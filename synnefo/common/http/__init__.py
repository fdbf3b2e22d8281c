"""The request/response kit of all facades: ids, authentication, paging, rendering of faults."""
