"""What all parts of the fake Stripe need."""


class ApiError(Exception):
    def __init__(self, status, kind, message, **more):
        super().__init__(message)
        self.status, self.body = status, {"error": {"type": kind, "message": message, **more}}


def flag(text):
    return text in (True, "true")
