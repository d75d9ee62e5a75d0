"""Hints for the browser: a closed list, and never a secret."""

from __future__ import annotations

from cellucid_notebook._notebook.environment import hints, override, override_base


def test_a_plain_machine_has_its_name_only() -> None:
    assert set(hints({})) == {"hostName"}


def test_values_are_passed_on_and_others_said_as_yes() -> None:
    found = hints(
        {
            "JUPYTERHUB_SERVICE_PREFIX": "/user/alice/",
            "VSCODE_PROXY_URI": "https://code.example/proxy/{{port}}/",
            "CODESPACE_NAME": "fuzzy-acorn",
            "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
            "SSH_CONNECTION": "10.0.0.1 5000 10.0.0.2 22",
            "SLURM_JOB_ID": "7",
            "DATABRICKS_RUNTIME_VERSION": "",
        }
    )
    del found["hostName"]
    assert found == {
        "hubPrefix": "/user/alice/",
        "vscodeProxyUri": "https://code.example/proxy/{{port}}/",
        "codespaceName": "fuzzy-acorn",
        "codespacesDomain": "app.github.dev",
        "ssh": True,
        "slurm": True,
    }


def test_no_secret_of_the_environment_is_read() -> None:
    secrets = {"JUPYTERHUB_API_TOKEN": "s3cret", "GITHUB_TOKEN": "s3cret", "AWS_SECRET_ACCESS_KEY": "s3cret"}
    assert "s3cret" not in repr(hints(secrets))


def test_the_argument_beats_the_environment() -> None:
    environment = {"CELLUCID_CLIENT_SERVER_URL": "https://a.example"}
    assert override("http://b.example", environment) == "http://b.example"
    assert override(None, environment) == "https://a.example"
    assert override(None, {"CELLUCID_CLIENT_SERVER_URL": ""}) is None


def test_an_override_becomes_a_base() -> None:
    assert override_base("http://127.0.0.1:{port}", 9000) == "http://127.0.0.1:9000/"
    assert override_base("https://your.domain.example/cellucid/", 9000) == "https://your.domain.example/cellucid/"
