"""Fxiaoke's refusals: HTTP 200 all the same, `errorCode` says it. Texts are as a gateway gave them where known."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str, description: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.description = code, message, description or message

    def body(self, trace: str) -> dict[str, Any]:
        """The JSON body."""
        return {
            "errorCode": self.code,
            "errorMessage": self.message,
            "errorDescription": self.description,
            "traceId": trace,
        }


def bad_token() -> Refusal:
    """Unknown or expired; the misspelling is the gateway's."""
    return Refusal(20016, "the cropId,cropAccessToken or authorization is error")


def no_token() -> Refusal:
    """Nothing that could be a token was sent."""
    return Refusal(20017, "corpAccessToken为必填项，不能为空")


def bad_secret() -> Refusal:
    """Wrong or absent appSecret."""
    return Refusal(10006, "the parameter appSecret is missing or illegal", "缺少参数或参数不合法")


def bad_app() -> Refusal:
    """Which of the two codes belongs to which fault is not known."""
    return Refusal(20006, "the app id is illegal")


def bad_permanent_code() -> Refusal:
    """The permanent code is not the app's."""
    return Refusal(20015, "the permanentCode is illegal")


def no_user() -> Refusal:
    """The user on whose behalf is asked does not exist."""
    return Refusal(20012, "the openUserId is not found")


def no_right() -> Refusal:
    """The user may not see this object."""
    return Refusal(15003, "无此操作的数据权限")


def bad_parameter(what: str) -> Refusal:
    """Anything wrong with a request."""
    return Refusal(15002, f"parameter error: {what}", "参数错误")


def too_far() -> Refusal:
    """The offset ends at 10,000."""
    return Refusal(10013, "offset out of range 10000", "offset 不能超过10000")


def too_fast() -> Refusal:
    """More calls of an endpoint than 20 seconds allow; more tokens than a minute."""
    return Refusal(30004, "call frequency exceeds the limit", "调用频率超限")


def day_used() -> Refusal:
    """The calls of the day are used up until midnight."""
    return Refusal(30002, "the call number of the day exceeds the limit", "当日调用次数已用完")


def nothing_bought() -> Refusal:
    """The tenant has no calls at all."""
    return Refusal(30003, "no call quota", "未购买调用次数")


MESSAGES = {
    -1: "system busy", -2: "system error", 50009: "timeout", 14001: "call limit exceeded", 20014: "app is stopped",
    20005: "access token expired", 20020: "not authorized",
}  # fmt: skip


def planted(code: int) -> Refusal:
    """The refusal of a code that a test planted."""
    known = (bad_token(), bad_secret(), no_right(), too_fast(), day_used(), nothing_bought(), too_far())
    return next((r for r in known if r.code == code), Refusal(code, MESSAGES.get(code, "error")))
