#!/usr/bin/env bash
# Rules, manifests, image file: everything about running the service that can be checked without starting it.
# What cannot be had on this machine is skipped, and said aloud at the end.
#
#   scripts/check_operations.sh
#
# OPERATIONS_TOOLS: a folder with bin/ of an environment that has requirements-operations.txt already.
# OPERATIONS_PROMTOOL, OPERATIONS_AMTOOL: the programs, where they are not on PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools=${OPERATIONS_TOOLS:-.rubi/operations}
promtool=${OPERATIONS_PROMTOOL:-$(command -v promtool || true)}
amtool=${OPERATIONS_AMTOOL:-$(command -v amtool || true)}
skipped=() failed=()
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT

check() { # name, command …
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        printf '%-28s ok\n' "$name"
    else
        printf '%-28s FAIL\n%s\n' "$name" "$output"
        failed+=("$name")
    fi
}

install_tools() {
    local stamp
    stamp=$(cksum requirements-operations.txt)
    [ "$(cat "$tools/installed" 2>/dev/null)" = "$stamp" ] && return
    .venv/bin/python -m uv venv --quiet --clear "$tools" &&
        .venv/bin/python -m uv pip install --quiet --python "$tools/bin/python" --require-hashes \
            --index-strategy unsafe-best-match -r requirements-operations.txt &&
        echo "$stamp" >"$tools/installed"
}

validate_manifests() { # overlay
    local said
    said=$("$tools/bin/kubernetes-validate" --strict "$rendered/$1.yaml" 2>&1) || { echo "$said"; return 1; }
}

# Debian's Alertmanager is older than bot_token_file: it is given the same file with a token in its place.
check_alertmanager() {
    sed 's#bot_token_file: .*#bot_token: "1:for-this-check"#' monitoring/alertmanager/alertmanager.yml \
        >"$rendered/alertmanager.yml"
    "$amtool" check-config "$rendered/alertmanager.yml"
}

if [ -n "${OPERATIONS_TOOLS:-}" ] || install_tools; then
    check "yaml" "$tools/bin/yamllint" -s k8s monitoring compose.yaml .yamllint .checkov.yml
    check "Dockerfile" "$tools/bin/hadolint" Dockerfile
    check "Dockerfile, security" "$tools/bin/checkov" --config-file .checkov.yml --framework dockerfile -f Dockerfile
    if command -v kubectl >/dev/null; then
        for overlay in dev prod; do
            if kubectl kustomize "k8s/overlays/$overlay" >"$rendered/$overlay.yaml"; then
                check "k8s $overlay, schema" validate_manifests "$overlay"
                check "k8s $overlay, security" \
                    "$tools/bin/checkov" --config-file .checkov.yml --framework kubernetes -f "$rendered/$overlay.yaml"
            else
                failed+=("k8s $overlay")
            fi
        done
    else
        skipped+=("k8s (kubectl is missing)")
    fi
else
    skipped+=("yaml, Dockerfile, k8s (requirements-operations.txt cannot be installed)")
fi

if [ -n "$promtool" ]; then
    check "rules" "$promtool" check rules monitoring/prometheus/rules/recording.yml monitoring/prometheus/rules/alerts.yml
    check "alerts" "$promtool" test rules monitoring/prometheus/tests/alerts.yml
else
    skipped+=("rules and alerts (promtool is missing: apt-get install prometheus)")
fi
if [ -n "$amtool" ]; then
    check "alertmanager" check_alertmanager
else
    skipped+=("alertmanager (amtool is missing: apt-get install prometheus-alertmanager)")
fi
check "entrypoint" sh -n scripts/entrypoint.sh

for each in ${skipped[@]+"${skipped[@]}"}; do echo "SKIPPED $each" >&2; done
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAIL: ${failed[*]}"
    exit 1
fi
echo "operations: everything ok, ${#skipped[@]} skipped"
