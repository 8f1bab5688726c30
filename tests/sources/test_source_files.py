"""Which files a source means, and whether they are the expected ones."""

import hashlib
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import errors

from curation.sources.files import SourceFile, checked_sha256, resolve, sha256_of
from schemas.errors import InputError, RecipeError
from schemas.recipe import Source

ROW = b'{"instruction": "q", "output": "a"}\n'
SHA = hashlib.sha256(ROW).hexdigest()
REVISION = "0123abc"


@pytest.fixture
def base(tmp_path):
    for name in ("b.json", "a.json", "x/c.json", "x/y/d.json", "x/e.txt", "z[1].json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ROW)
    (tmp_path / "x" / "folder.json").mkdir()
    return tmp_path


def names(path, base, **options):
    return [file.name for file in resolve(Source(name="s", path=path, **options), base)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.json", ["a.json"]),
        ("./x/c.json", ["c.json"]),
        ("*.json", ["a.json", "b.json", "z[1].json"]),
        ("x/*.json", ["c.json", "folder.json"]),
        ("x/*", ["c.json", "e.txt"]),
        ("x/**", ["c.json", "e.txt", "y/d.json"]),
        ("**/*.json", ["a.json", "b.json", "x/c.json", "x/folder.json", "x/y/d.json", "z[1].json"]),
        ("[ab].json", ["a.json", "b.json"]),
        ("z[1].json", ["z[1].json"]),
        (["b.json", "*.json"], ["b.json", "a.json", "z[1].json"]),
        (["a.json", "./x/../a.json"], ["a.json"]),
        ("x", ["x"]),
    ],
)
def test_patterns(base, path, expected):
    assert names(path, base) == expected


def test_absolute_paths(base):
    (file,) = resolve(Source(name="s", path=str(base / "a.json")), Path("/nowhere"))
    assert file == SourceFile("s", "a.json", base / "a.json", None)


@pytest.mark.parametrize("path", ["gone.json", "gone/*.json", "*.gone", "b\0d"])
def test_nothing_there(base, path):
    with pytest.raises(InputError, match=r"'s'.*no file.*recipe") as error:
        names(path, base)
    assert repr(path) in str(error.value)


def test_two_files_of_one_name(base):
    (base / "x" / "a.json").write_bytes(ROW)
    with pytest.raises(RecipeError, match=r"two files named 'a\.json'.*glob"):
        names(["a.json", "x/a.json"], base)
    assert "x/a.json" in names("**/a.json", base)


def test_expected_hashes(base):
    (file,) = resolve(Source(name="s", path="a.json", sha256=SHA), base)
    assert file.sha256 == SHA
    source = Source(name="s", path="[ab].json", sha256={"b.json": SHA})
    assert [file.sha256 for file in resolve(source, base)] == [None, SHA]


def test_hashes_that_fit_no_file(base):
    with pytest.raises(RecipeError, match="one sha256 for 2 files"):
        names("[ab].json", base, sha256=SHA)
    with pytest.raises(RecipeError, match=r"'c\.json', which is none of its files"):
        names("[ab].json", base, sha256={"c.json": SHA})


def test_another_file_than_expected(base):
    source = Source(name="s", path="a.json", sha256="0" * 64)
    (file,) = resolve(source, base)
    with pytest.raises(InputError, match=rf"a\.json.*{SHA[:12]}.*000000000000.*recipe"):
        checked_sha256(file)
    good = Source(name="s", path="a.json", sha256=SHA.upper())
    assert checked_sha256(resolve(good, base)[0]) == SHA


def test_sha256_of(base):
    assert sha256_of(base / "a.json") == SHA
    assert sha256_of(base / "x") is None
    assert sha256_of(base / "gone") is None


# The Hub


@pytest.fixture
def hub(monkeypatch, base):
    """A Hub with the files of `base`; `asked` lists what was downloaded."""
    asked = []

    def download(repo, name, *, revision, repo_type):
        asked.append((repo, name, revision, repo_type))
        return str(base / name)

    files = ["a.json", "b.json", "x/c.json", "x/y/d.json", "README.md"]
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", lambda *_, **__: files)
    return asked


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a.json", ["a.json"]),
        ("x/y/d.json", ["x/y/d.json"]),
        ("*.json", ["a.json", "b.json"]),
        ("**/*.json", ["a.json", "b.json", "x/c.json", "x/y/d.json"]),
        ("x/**", ["x/c.json", "x/y/d.json"]),
        ("?.json", ["a.json", "b.json"]),
    ],
)
def test_files_of_the_hub(hub, base, file, expected):
    found = resolve(Source(name="s", path=f"hf://datasets/o/n/{file}@{REVISION}"), base)
    assert [f.name for f in found] == expected
    assert [f.path for f in found] == [base / name for name in expected]
    assert hub == [("o/n", name, REVISION, "dataset") for name in expected]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("hf://datasets/o/n/a.json", "no revision.*append @"),
        ("hf://datasets/o/a.json@r", "write hf://datasets/OWNER/NAME/FILE@REVISION"),
        ("hf://o/n/a.json@r", "write hf://datasets/OWNER/NAME/FILE@REVISION"),
    ],
)
def test_addresses_that_lack_a_part(hub, base, path, message):
    with pytest.raises(RecipeError, match=message):
        names(path, base)


def test_a_pattern_that_matches_nothing_on_the_hub(hub, base):
    with pytest.raises(InputError, match="matches hf://datasets/o/n/"):
        names("hf://datasets/o/n/*.csv@r", base)


def http(kind):
    """A client error of `kind`, without the response that it wants."""
    error = kind.__new__(kind)
    error.args = ("token hf_secret",)
    return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (http(errors.RepositoryNotFoundError), "no such data set"),
        (http(errors.GatedRepoError), "accept its conditions"),
        (http(errors.RevisionNotFoundError), "no such revision"),
        (http(errors.RemoteEntryNotFoundError), "no such file"),
        (http(errors.HfHubHTTPError), "cannot be reached"),
        (errors.LocalEntryNotFoundError("token hf_secret"), "cannot be reached"),
        (errors.OfflineModeIsEnabled("token hf_secret"), "cannot be reached"),
        (errors.HTTPError("token hf_secret"), "cannot be reached"),
        (OSError("token hf_secret"), "cannot be reached"),
    ],
)
def test_what_the_hub_refuses(monkeypatch, base, error, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(InputError, match=message) as raised:
        names("hf://datasets/o/n/a.json@r", base)
    assert "hf://datasets/o/n/a.json@r" in str(raised.value)
    assert "secret" not in str(raised.value)
