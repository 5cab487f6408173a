"""The discovery document of the Perspective shim: what google-api-python-client's `build` makes its methods from."""

from typing import Any

from service.shims.attributes import ATTRIBUTES

_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_LIST = {"type": "array", "items": _TEXT}
_NUMBER = {"type": "number", "format": "float"}
_INTEGER = {"type": "integer", "format": "int32"}
Json = dict[str, Any]


def document(root: str) -> Json:
    """The document, for a service at `root`, which ends with a slash."""
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "commentanalyzer:v1alpha1",
        "name": "commentanalyzer",
        "canonicalName": "Comment Analyzer",
        "version": "v1alpha1",
        "version_module": True,
        "title": "Perspective Comment Analyzer API, answered by Assay",
        "description": "Scores are Assay's calibrated probabilities. Nothing that is suggested is kept.",
        "protocol": "rest",
        "rootUrl": root,
        "baseUrl": root,
        "servicePath": "",
        "basePath": "",
        "batchPath": "batch",
        "fullyEncodeReservedExpansion": True,
        "parameters": _parameters(),
        "resources": {"comments": {"methods": {name: _method(name) for name in _MESSAGES}}},
        "schemas": _schemas(),
    }


_MESSAGES = {"analyze": "AnalyzeComment", "suggestscore": "SuggestCommentScore"}


def _method(name: str) -> Json:
    return {
        "id": f"commentanalyzer.comments.{name}",
        "path": f"v1alpha1/comments:{name}",
        "flatPath": f"v1alpha1/comments:{name}",
        "httpMethod": "POST",
        "parameters": {},
        "parameterOrder": [],
        "request": _of(f"{_MESSAGES[name]}Request"),
        "response": _of(f"{_MESSAGES[name]}Response"),
    }


def _parameters() -> Json:
    query = ("access_token", "callback", "fields", "key", "oauth_token", "quotaUser", "uploadType", "upload_protocol")
    return {
        **{name: {**_TEXT, "location": "query"} for name in query},
        "alt": {**_TEXT, "location": "query", "enum": ["json"], "enumDescriptions": ["JSON"], "default": "json"},
        "prettyPrint": {**_FLAG, "location": "query", "default": "true"},
        "$.xgafv": {**_TEXT, "location": "query", "enum": ["1", "2"], "enumDescriptions": ["v1 errors", "v2 errors"]},
    }


def _schemas() -> Json:
    common = {"comment": _of("TextEntry"), "context": _of("Context"), "languages": _LIST}
    ids = {"clientToken": _TEXT, "communityId": _TEXT, "sessionId": _TEXT}
    asked = {**_map("AttributeParameters"), "description": f"By name: {', '.join(ATTRIBUTES)}."}
    flags = {"doNotStore": _FLAG, "spanAnnotations": _FLAG, "dropUnsupportedAttributes": _FLAG}
    answered = {"attributeScores": _map("AttributeScores"), "detectedLanguages": _LIST, "clientToken": _TEXT}
    schemas: dict[str, Json] = {
        "AnalyzeCommentRequest": {**common, **ids, **flags, "requestedAttributes": asked},
        "AnalyzeCommentResponse": {**answered, "languages": _LIST},
        "SuggestCommentScoreRequest": {**common, **ids, "attributeScores": _map("AttributeScores")},
        "SuggestCommentScoreResponse": {"clientToken": _TEXT, "requestedLanguages": _LIST, "detectedLanguages": _LIST},
        "TextEntry": {"text": _TEXT, "type": _TEXT},
        "Context": {"entries": _list("TextEntry"), "articleAndParentComment": _of("ArticleAndParentComment")},
        "ArticleAndParentComment": {"article": _of("TextEntry"), "parentComment": _of("TextEntry")},
        "AttributeParameters": {"scoreType": _TEXT, "scoreThreshold": _NUMBER},
        "AttributeScores": {"summaryScore": _of("Score"), "spanScores": _list("SpanScore")},
        "SpanScore": {"begin": _INTEGER, "end": _INTEGER, "score": _of("Score")},
        "Score": {"value": _NUMBER, "type": _TEXT},
    }
    return {name: {"id": name, "type": "object", "properties": members} for name, members in schemas.items()}


def _of(name: str) -> Json:
    return {"$ref": name}


def _list(name: str) -> Json:
    return {"type": "array", "items": _of(name)}


def _map(name: str) -> Json:
    return {"type": "object", "additionalProperties": _of(name)}
