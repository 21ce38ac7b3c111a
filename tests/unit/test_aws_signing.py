"""Signatures as AWS publishes them: the examples of Amazon S3's manual, and requests of the test suite for Signature Version 4."""

from datetime import UTC, datetime

import pytest

from keepwell.machine.aws_signing import AwsKeys, Message, Scope, authorization, signed_headers

S3_KEYS = AwsKeys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
S3_AT = datetime(2013, 5, 24, tzinfo=UTC)
S3 = Scope("us-east-1", "s3")
BUCKET = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [
        ("GET", "/test.txt", {"Range": "bytes=0-9"}, b"", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        (
            "PUT",
            "/test$file.text",
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle", {}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?max-keys=2&prefix=J", {}, b"", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_the_examples_of_amazon_s3(method: str, path: str, headers: dict[str, str], body: bytes, signature: str) -> None:
    added = signed_headers(Message(method, BUCKET + path, headers, body), S3_KEYS, S3, S3_AT)
    assert added["Authorization"].rpartition("Signature=")[2] == signature
    assert added["x-amz-date"] == "20130524T000000Z"


SUITE_KEYS = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("path", "headers", "signature"),
    [
        ("/", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("/?Param2=value2&Param1=value1", {}, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("/", {"My-Header1": "value2,value2,value1"}, "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
        ("/", {"My-Header1": "value1,value2,value3"}, "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790"),
    ],
)
def test_the_suite_of_signature_version_4(path: str, headers: dict[str, str], signature: str) -> None:
    message = Message("GET", f"https://example.amazonaws.com{path}", headers, b"")
    made = authorization(message, {"x-amz-date": "20150830T123600Z"}, SUITE_KEYS, Scope("us-east-1", "service"))
    assert made.rpartition("Signature=")[2] == signature
    assert made.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,SignedHeaders=host;")


def test_a_session_has_its_token_signed() -> None:
    added = signed_headers(Message("GET", BUCKET, {}, b""), AwsKeys("A", "B", "a-token"), S3, S3_AT)
    assert added["x-amz-security-token"] == "a-token"
    assert "x-amz-security-token" in added["Authorization"]


def test_a_port_of_its_own_is_part_of_the_host() -> None:
    signatures = {
        signed_headers(Message("GET", url, {}, b""), S3_KEYS, S3, S3_AT)["Authorization"] for url in ("http://h:80/", "http://h/")
    }
    assert len(signatures) == 1
    other = signed_headers(Message("GET", "http://h:9000/", {}, b""), S3_KEYS, S3, S3_AT)["Authorization"]
    assert other not in signatures
