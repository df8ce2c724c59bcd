"""How a handler refuses a command: by raising the error reply."""

from models.replies import ErrorReply


class Refused(Exception):
    """A command cannot be carried out; `reply` is its answer."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.text)
        self.reply = reply
