"""Joins its standard input and output to a TCP port of this machine, for QEMU's guestfwd."""

import socket
import sys
import threading


def main() -> None:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        threading.Thread(target=send_input, args=(connection,), daemon=True).start()
        while data := connection.recv(65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def send_input(connection: socket.socket) -> None:
    while data := sys.stdin.buffer.read1(65536):
        connection.sendall(data)


if __name__ == "__main__":
    main()
