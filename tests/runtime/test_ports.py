"""Ports: one that is taken is told of, and answers are not held back."""

import socket

import pytest

from deeprec.runtime.files import InputError
from deeprec.runtime.ports import HOST, listen


def test_a_port_in_use_or_none_at_all_is_told_of():
    with listen(0) as taken:
        port = taken.getsockname()[1]
        assert taken.getsockname()[0] == HOST
        with pytest.raises(InputError, match=rf"port {port}: Address already in use; choose another"):
            listen(port)
    for port in (-1, 70_000):
        with pytest.raises(InputError, match=rf"port {port}: .*choose another"):
            listen(port)


def test_asyncio_sends_small_answers_at_once():
    with listen(0) as listener, socket.create_connection(listener.getsockname()):
        answering, _ = listener.accept()
        with answering:
            assert answering.proto == socket.IPPROTO_TCP  # what asyncio asks before it sets TCP_NODELAY
