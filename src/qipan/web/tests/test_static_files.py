"""What every page loads is sent packed to whoever takes it; fonts only where there is something to write with them."""

import gzip

from django.contrib.staticfiles import finders
from django.test import Client

PACKED = ("vendor/bootstrap.min.css", "vendor/bootstrap.bundle.min.js", "vendor/echarts.min.js")


def test_libraries_are_packed_once_and_sent_so():
    for name in PACKED:
        plain = Client().get(f"/static/{name}", secure=True)
        packed = Client().get(f"/static/{name}", secure=True, headers={"Accept-Encoding": "gzip"})
        assert packed["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed["Vary"]
        sent = b"".join(packed)
        assert gzip.decompress(sent) == b"".join(plain)
        assert len(sent) < len(gzip.decompress(sent)) / 2


def test_the_chinese_font_is_fetched_for_chinese_alone():
    path = finders.find("pages/qipan.css")
    assert isinstance(path, str)
    with open(path, encoding="utf-8") as file:
        faces = [line for line in file if line.startswith("@font-face")]
    assert faces
    assert all("unicode-range: U+2E80" in face for face in faces)
