"""Gives certificates."""

from charms.reactive import BaseRequest, BaseResponse, Field, ResponderEndpoint


class CertResponse(BaseResponse):
    cert = Field("the certificate")


class CertRequest(BaseRequest):
    RESPONSE_CLASS = CertResponse

    common_name = Field("the name")


class TLSProvides(ResponderEndpoint):
    REQUEST_CLASS = CertRequest
