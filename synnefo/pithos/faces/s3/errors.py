"""Errors as S3 knows them: a code, which has its status, and a few words."""

from __future__ import annotations

from typing import Any

from synnefo.common import faults
from synnefo.pithos.uploads import rules

_CODES: dict[str, tuple[int, str]] = {
    "AccessForbidden": (403, "The CORS configuration does not allow this request."),
    "AccessDenied": (403, "Access Denied"),
    "AuthorizationHeaderMalformed": (400, "The authorization header that you provided is not valid."),
    "BadRequest": (400, "Bad Request"),
    "AuthorizationQueryParametersError": (400, "The authorization parameters are not valid."),
    "BadDigest": (400, "The checksum that was given does not match what was received."),
    "BucketAlreadyOwnedByYou": (409, "You have created this bucket before, and you own it."),
    "BucketNotEmpty": (409, "The bucket you tried to delete is not empty"),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed size"),
    "EntityTooSmall": (400, "Your proposed upload is smaller than the minimum allowed size"),
    "IllegalVersioningConfigurationException": (400, "The versioning configuration is not valid."),
    "IncompleteBody": (400, "The body is not as long as the request says."),
    "InsufficientStorage": (507, "The medium of the cloud's objects is full."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (403, "The access key that you provided does not exist, or is no good any more."),
    "InvalidArgument": (400, "Invalid Argument"),
    "InvalidBucketName": (400, "The specified bucket is not valid."),
    "InvalidDigest": (400, "The Content-MD5 you specified is not valid."),
    "InvalidLocationConstraint": (400, "The specified location constraint is not valid."),
    "InvalidPart": (400, "One or more of the specified parts could not be found, or has another entity tag."),
    "InvalidPartNumber": (416, "The requested partnumber is not satisfiable"),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order."),
    "InvalidPolicyDocument": (400, "The policy of the form is not valid."),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "InvalidRequest": (400, "Invalid Request"),
    "InvalidStorageClass": (400, "The storage class you specified is not valid"),
    "InvalidTag": (400, "The tag provided was not a valid tag."),
    "InvalidToken": (400, "The provided token is malformed or otherwise not valid."),
    "InvalidURI": (400, "Could not parse the specified URI."),
    "KeyTooLongError": (400, "Your key is too long"),
    "MalformedACLError": (400, "The XML you provided was not well-formed or did not validate."),
    "MalformedPOSTRequest": (400, "The body of your POST request is not well-formed multipart/form-data."),
    "MalformedTrailerError": (400, "The request contained trailing data that was not well-formed."),
    "MalformedXML": (400, "The XML you provided was not well-formed or did not validate."),
    "MaxPostPreDataLengthExceededError": (400, "A field of the form is too long."),
    "MetadataTooLarge": (400, "Your metadata headers exceed the maximum allowed metadata size"),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
    "MissingSecurityHeader": (400, "Your request was missing a required header"),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "NoSuchBucketPolicy": (404, "The bucket policy does not exist"),
    "NoSuchCORSConfiguration": (404, "The CORS configuration does not exist"),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchLifecycleConfiguration": (404, "The lifecycle configuration does not exist"),
    "NoSuchPublicAccessBlockConfiguration": (404, "The public access block configuration was not found"),
    "NoSuchTagSet": (404, "The TagSet does not exist"),
    "NoSuchUpload": (404, "The specified multipart upload does not exist."),
    "NoSuchVersion": (404, "The specified version does not exist."),
    "NoSuchWebsiteConfiguration": (404, "The specified bucket does not have a website configuration"),
    "NotImplemented": (
        501,
        "A header or parameter you provided implies functionality that is not implemented.",
    ),
    "NotModified": (304, "Not Modified"),
    "ObjectLockConfigurationNotFoundError": (404, "Object Lock configuration does not exist for this bucket"),
    "OperationAborted": (409, "A conflicting conditional operation is in progress. Please try again."),
    "OwnershipControlsNotFoundError": (404, "The bucket ownership controls were not found"),
    "PreconditionFailed": (412, "At least one of the pre-conditions you specified did not hold"),
    "QuotaExceeded": (403, "The quota does not allow it."),
    "ReplicationConfigurationNotFoundError": (404, "The replication configuration was not found"),
    "RequestTimeTooSkewed": (
        403,
        "The difference between the request time and the server's time is too large.",
    ),
    "ServerSideEncryptionConfigurationNotFoundError": (
        404,
        "The server side encryption configuration was not found",
    ),
    "ServiceUnavailable": (503, "Please try again later."),
    "SignatureDoesNotMatch": (
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing method.",
    ),
    "SlowDown": (503, "Please reduce your request rate."),
    "UnexpectedContent": (400, "This request does not support content"),
    "XAmzContentSHA256Mismatch": (
        400,
        "The provided 'x-amz-content-sha256' does not match what was computed.",
    ),
}

#: What faults of the rules are here, the first kind that fits.
_OF_FAULTS: tuple[tuple[type[faults.Fault], str], ...] = (
    (rules.UploadNotFound, "NoSuchUpload"),
    (rules.InvalidPart, "InvalidPart"),
    (rules.InvalidPartOrder, "InvalidPartOrder"),
    (rules.PartTooSmall, "EntityTooSmall"),
    (faults.UnprocessableEntity, "BadDigest"),
    (faults.Unauthorized, "AccessDenied"),
    (faults.Forbidden, "AccessDenied"),
    (faults.ItemNotFound, "NoSuchKey"),
    (faults.NotAllowed, "MethodNotAllowed"),
    (faults.Conflict, "OperationAborted"),
    (faults.LengthRequired, "MissingContentLength"),
    (faults.PreconditionFailed, "PreconditionFailed"),
    (faults.OverLimit, "QuotaExceeded"),
    (faults.RequestTooLarge, "QuotaExceeded"),
    (faults.RangeNotSatisfiable, "InvalidRange"),
    (faults.TooManyRequests, "SlowDown"),
    (faults.NotImplementedFault, "NotImplemented"),
    (faults.ServiceUnavailable, "ServiceUnavailable"),
    (faults.InsufficientStorage, "InsufficientStorage"),
    (faults.BadRequest, "InvalidArgument"),
)


class S3Error(Exception):
    """``about`` are more elements of the answer, as ``Key="photos/a.jpg"``, ``headers`` more headers."""

    def __init__(self, code: str, message: str = "", *, headers: Any = None, **about: str) -> None:
        self.code = code
        self.status, usual = _CODES[code]
        self.message = message or usual
        self.headers: dict[str, str] = headers or {}
        self.about = about
        super().__init__(f"{code}: {self.message}")


def of_fault(fault: faults.Fault) -> S3Error:
    for kind, code in _OF_FAULTS:
        if isinstance(fault, kind):
            return S3Error(code, "" if code == "AccessDenied" else fault.message)
    return S3Error("InternalError")


def missing(fault: faults.ItemNotFound, *, has_bucket: bool, key: str, version: str) -> S3Error:
    """What is not there: the bucket, else the upload or the version that was asked for, else the key."""
    if isinstance(fault, rules.UploadNotFound):
        return of_fault(fault)
    if not has_bucket:
        return S3Error("NoSuchBucket")
    if version:
        return S3Error("NoSuchVersion", Key=key, VersionId=version)
    return S3Error("NoSuchKey", Key=key) if key else of_fault(fault)
