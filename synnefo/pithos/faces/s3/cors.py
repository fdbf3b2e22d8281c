"""What scripts of other sites may ask of a bucket: its rules as XML, preflights, and headers of answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.pithos.faces.s3 import kit, xml
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import options
from synnefo.pithos.namespace.models import Container

_OPTION = "cors"
_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
_MOST_RULES = 100
#: What may be repeated in a rule, and whether it must be there.
_LISTS = {"AllowedOrigin": True, "AllowedMethod": True, "AllowedHeader": False, "ExposeHeader": False}
#: Buckets of one name whose rules a preflight that names no account is compared with.
_MOST_BUCKETS = 100

Rule = Mapping[str, Any]


def get(asked: Asked) -> HttpResponse:
    kept = options.get(asked.caller, asked.account, asked.bucket, _OPTION)
    if not kept:
        raise S3Error("NoSuchCORSConfiguration", BucketName=asked.bucket)
    return kit.answer("CORSConfiguration", {"CORSRule": kept})


def put(asked: Asked) -> HttpResponse:
    rules = [_rule(one) for one in xml.parse(asked.body(), "CORSConfiguration")]
    if not 1 <= len(rules) <= _MOST_RULES:
        raise S3Error("MalformedXML")
    options.put(asked.caller, asked.account, asked.bucket, _OPTION, rules)
    return kit.empty()


def delete(asked: Asked) -> HttpResponse:
    options.put(asked.caller, asked.account, asked.bucket, _OPTION, None)
    return kit.empty(204)


def preflight(request: HttpRequest, account: str, bucket: str) -> HttpResponse:
    """What a browser asks before it lets a script ask; it signs nothing. Raises S3Error.

    A path that names no account means a bucket of whoever will sign then: nobody knows yet who that is, so
    the rules of all buckets of that name count.
    """
    origin = request.META.get("HTTP_ORIGIN", "")
    method = request.META.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
    if not origin or not method:
        raise S3Error("BadRequest", "Insufficient information. Origin request header needed.")
    wanted = request.META.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").lower().split(",")
    names = [name.strip() for name in wanted if name.strip()]
    for rules in _rules_of(account, bucket):
        rule = _matching(rules, origin, method, names)
        if rule is not None:
            response = kit.empty()
            _allow(response, rule, origin)
            if names:
                response["Access-Control-Allow-Headers"] = ", ".join(names)
            return response
    raise S3Error("AccessForbidden", "CORSResponse: This CORS request is not allowed.", Method=method)


def allow(asked: Asked, response: HttpResponseBase) -> None:
    """Let the script that asked see the answer, if a rule of the bucket says so."""
    origin = asked.request.META.get("HTTP_ORIGIN", "")
    if not origin or not asked.bucket:
        return
    for rules in _rules_of(asked.account, asked.bucket):
        rule = _matching(rules, origin, asked.method, [])
        if rule is not None:
            _allow(response, rule, origin)


def _rules_of(account: str, bucket: str) -> Iterable[list[Rule]]:
    rows = Container.objects.filter(name=bucket, options__has_key=_OPTION)
    if account:
        rows = rows.filter(account__name=account)
    for kept in rows.order_by("pk").values_list("options", flat=True)[:_MOST_BUCKETS]:
        yield kept[_OPTION]


def _matching(rules: Iterable[Rule], origin: str, method: str, names: Iterable[str]) -> Rule | None:
    for rule in rules:
        allowed = [one.lower() for one in rule.get("AllowedHeader", [])]
        if (
            method in rule["AllowedMethod"]
            and _fits_any(rule["AllowedOrigin"], origin)
            and all(_fits_any(allowed, name) for name in names)
        ):
            return rule
    return None


def _fits_any(patterns: Iterable[str], text: str) -> bool:
    """Each may have one ``*``, which stands for anything."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) for pattern in patterns
    )


def _allow(response: HttpResponseBase, rule: Rule, origin: str) -> None:
    anybody = "*" in rule["AllowedOrigin"]
    response["Access-Control-Allow-Origin"] = "*" if anybody else origin
    response["Access-Control-Allow-Methods"] = ", ".join(rule["AllowedMethod"])
    if not anybody:
        response["Access-Control-Allow-Credentials"] = "true"
    if exposed := rule.get("ExposeHeader"):
        response["Access-Control-Expose-Headers"] = ", ".join(exposed)
    if "MaxAgeSeconds" in rule:
        response["Access-Control-Max-Age"] = rule["MaxAgeSeconds"]
    response["Vary"] = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def _rule(element: Element) -> dict[str, Any]:
    """Raises S3Error."""
    rule: dict[str, Any] = {}
    for child in element:
        text = (child.text or "").strip()
        if child.tag in _LISTS:
            rule.setdefault(child.tag, []).append(text)
        elif child.tag in ("ID", "MaxAgeSeconds"):
            rule[child.tag] = text
        else:
            raise S3Error("MalformedXML")
    if element.tag != "CORSRule" or any(name not in rule for name, needed in _LISTS.items() if needed):
        raise S3Error("MalformedXML")
    age = rule.get("MaxAgeSeconds", "0")
    if not (age.isascii() and age.isdigit() and len(age) < 10) or len(rule.get("ID", "")) > 255:
        raise S3Error("MalformedXML")
    if unknown := [method for method in rule["AllowedMethod"] if method not in _METHODS]:
        message = f"Found unsupported HTTP method in CORS config. Unsupported method is {unknown[0]}"
        raise S3Error("InvalidRequest", message)
    patterns = [*rule["AllowedOrigin"], *rule.get("AllowedHeader", [])]
    if any(pattern.count("*") > 1 for pattern in patterns):
        raise S3Error("InvalidRequest", "AllowedOrigin and AllowedHeader can have one wildcard only.")
    return rule
