"""Asks the detectors of detect-secrets about lines; runs in the child of `runner.parsing`, without a network library to be had."""

import importlib
import json
import sys
import types

DETECTORS = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "jwt": "JwtTokenDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "openai": "OpenAIDetector",
    "private_key": "PrivateKeyDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "twilio": "TwilioKeyDetector",
}
"""Formats that a provider gives; what goes by entropy or by the names of variables alarms too often to mean anything."""


def found(content, _version):
    """JSON of `[index, kind, secret]`; `content` is JSON of where packages are and of the lines. No comment in a line silences it."""
    asked = json.loads(content)
    sys.path.extend(asked["places"])
    sys.modules["requests"] = types.ModuleType("requests")  # the library would ask providers whether a secret is alive
    detectors = [getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in DETECTORS.items()]
    return json.dumps(
        [
            [index, detector.secret_type, secret]
            for index, line in enumerate(asked["lines"])
            for detector in detectors
            for secret in detector.analyze_string(line)
        ][:500]
    )
