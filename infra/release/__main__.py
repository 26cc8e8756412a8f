"""`python -m infra.release`: signed packages and images of a commit, and the checklist of a release."""

from __future__ import annotations

import argparse
import os
import sys

from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.release.checklist import make_tag, points
from infra.release.errors import ReleaseError
from infra.release.git import commit_of
from infra.release.images import TARGETS, build_images, publish_images
from infra.release.package import make_package, verified_manifest


def _release(version: str, *, dry: bool) -> int:
    wrong = 0
    for title, fault in points(REPOSITORY, version):
        wrong += bool(fault)
        print(f"release  {'no ' if fault else 'yes'}  {title}{': ' + fault if fault else ''}", flush=True)
    if wrong:
        print(f"release: {wrong} points of the checklist do not hold. No tag was made.", file=sys.stderr)
        return 1
    if dry:
        print("release  nothing was done, since this was a rehearsal. DRY_RUN=no makes the tag and the package.")
        return 0
    tag = make_tag(REPOSITORY, version)
    folder = make_package(REPOSITORY, Settings.load().state, tag)
    print(f"release  tag {tag} made, signed package in {folder}. Publish the tag with `git push origin {tag}`.")
    return 0


def main() -> int:
    """Run the command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.release", description=__doc__)
    parser.add_argument("command", choices=("package", "verify", "release", "images", "publish"))
    parser.add_argument(
        "--version", required=True, help="three numbers for a release; else a tag, a branch or a commit"
    )
    parser.add_argument("--dry-run", choices=("yes", "no"), default="yes", help="yes: look at the checklist alone")
    parser.add_argument("--image", choices=TARGETS, action="append", help="an image to build (default: all)")
    parser.add_argument("--registry", help="host and port to publish to, or with a path")
    options = parser.parse_args()
    try:
        if options.command == "release":
            return _release(options.version, dry=options.dry_run == "yes")
        state = Settings.load().state
        if options.command == "package":
            print(f"package  signed, in {make_package(REPOSITORY, state, options.version)}")
        elif options.command == "images":
            base = os.environ.get("BASE_IMAGE") or "docker.io/library/debian:bookworm-slim"
            commit = make_package(REPOSITORY, state, options.version).name
            for name, digest in build_images(state, commit, base, options.image or TARGETS).items():
                print(f"images  {name} {digest}")
            # The manifest names the digests now.
            make_package(REPOSITORY, state, commit)
        elif options.command == "publish":
            if not options.registry:
                raise ReleaseError("No registry is named. Give REGISTRY=, such as REGISTRY=127.0.0.1:5000.")
            commit = commit_of(REPOSITORY, options.version)
            print("\n".join(publish_images(state, commit, options.registry)))
        else:
            manifest = verified_manifest(state, commit_of(REPOSITORY, options.version))
            print(f"package  {manifest['commit']}: signature and bytes are right")
    except (ReleaseError, SettingsError) as error:
        sys.exit(f"release: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
