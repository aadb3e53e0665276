#!/usr/bin/env bash
# Build the image without a Docker engine, then run it as it runs in production: another user, a root that cannot be
# written, against a real PostgreSQL and Redis, until /health/ready answers 200.
#
#   scripts/build_image.sh            needs root, buildah, debootstrap (apt-get install buildah debootstrap)
#
# BASE_IMAGE: the image to build on, as in the Dockerfile; left out, a Debian is made by debootstrap, so that no registry
# is needed. IMAGE_WORK: a folder that is kept between runs (the base takes minutes); a temporary one when left out.
# IMAGE_TAG (rubi-studio:local), IMAGE_EXPORT: write the image there as a Docker archive.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for program in buildah debootstrap unshare; do
    command -v "$program" >/dev/null || { echo "build_image: $program is missing" >&2 && exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "build_image: needs root" >&2 && exit 2; }

work=${IMAGE_WORK:-$(mktemp -d)}
tag=${IMAGE_TAG:-rubi-studio:local}
mkdir -p "$work"
export BUILDAH_ISOLATION=chroot
buildah() { command buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }
container=''
clean() {
    [ -z "$container" ] || buildah rm "$container" >/dev/null || true
    [ -n "${IMAGE_WORK:-}" ] || rm -rf "$work"
}
trap clean EXIT

base=${BASE_IMAGE:-localhost/rubi-base:bookworm}
if [ -z "${BASE_IMAGE:-}" ] && ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    echo "build_image: a Debian to build on"
    [ -e "$work/rootfs/etc/debian_version" ] ||
        debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/rootfs" \
            "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$work/debootstrap.log" 2>&1 ||
        { tail -n 20 "$work/debootstrap.log" >&2 && exit 1; }
    made=$(buildah from scratch)
    buildah copy -q "$made" "$work/rootfs" / >/dev/null
    buildah config --env LC_ALL=C.UTF-8 "$made"
    buildah commit -q --rm "$made" "$base" >/dev/null
fi

# The locked wheels are fetched out here, where pip knows its index and certificates; the build installs them by their hashes.
# Without the markers: which of them hold is for the Python inside to say.
python=$(buildah from --pull-never "$base")
version=$(buildah run "$python" -- python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
buildah rm "$python" >/dev/null
sed 's/ ; .*\\$/ \\/' requirements.txt >"$work/requirements.txt"
.venv/bin/python -m pip download --quiet --no-deps --require-hashes --only-binary :all: --python-version "$version" \
    --dest "$work/wheels" -r "$work/requirements.txt" 2>"$work/pip.log" || { cat "$work/pip.log" >&2 && exit 1; }

printf '[global]\nno-index = true\nfind-links = /wheels\n' >"$work/pip.conf"
buildah build -q --format docker -v "$work/wheels:/wheels:ro" -v "$work/pip.conf:/etc/pip.conf:ro" --build-arg "BASE_IMAGE=$base" -t "$tag" . >"$work/build.log" 2>&1 ||
    { tail -n 20 "$work/build.log" >&2 && exit 1; }
[ -z "${IMAGE_EXPORT:-}" ] || buildah push -q "$tag" "docker-archive:$IMAGE_EXPORT:$tag"

echo "build_image: running it"
container=$(buildah from --pull-never "$tag")
root=$(buildah mount "$container")
.venv/bin/python tests/operations/run_image.py "$root"
