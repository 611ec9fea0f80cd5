"""Requests certificates."""

from charms.reactive import BaseRequest, BaseResponse, Field, RequesterEndpoint


class CertResponse(BaseResponse):
    cert = Field("the certificate")
    key = Field("its key")


class CertRequest(BaseRequest):
    RESPONSE_CLASS = CertResponse

    common_name = Field("the name")
    sans = Field("more names")


class TLSRequires(RequesterEndpoint):
    REQUEST_CLASS = CertRequest

    def ask(self, name, **fields):
        for relation in self.relations:
            CertRequest.create_or_update(["common_name"], relation, common_name=name, **fields)
