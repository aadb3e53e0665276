#!/usr/bin/env bash
# Rules, manifests, image file: everything about running the service that can be checked without starting it.
# What cannot be had on this machine is skipped, and said aloud at the end; with --require that is a failure.
#
#   scripts/check_operations.sh [--require]
#
# OPERATIONS_TOOLS: a folder with bin/ of an environment that has requirements-operations.txt already.
# OPERATIONS_PROMTOOL, OPERATIONS_AMTOOL: the programs, where they are not on PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

require=false
case ${1:-} in
    --require) require=true ;;
    '') ;;
    *) echo "usage: scripts/check_operations.sh [--require]" >&2 && exit 2 ;;
esac
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
    check "compose" "$tools/bin/check-jsonschema" --builtin-schema vendor.compose-spec compose.yaml
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
    skipped+=("yaml, compose, Dockerfile, k8s (requirements-operations.txt cannot be installed)")
fi

# Prometheus' configuration, with a token's file in the place of the mounted one. Debian builds Prometheus without the
# discovery of pods: everything else of that file is checked, and the discovery by tests/operations/test_manifests.py.
check_prometheus() { # configuration
    echo "for-this-check" >"$rendered/metrics_token"
    cp -r monitoring/prometheus/rules "$rendered/"
    sed -e "s#/run/secrets/metrics_token#$rendered/metrics_token#" \
        -e '/kubernetes_sd_configs:/,/namespaces:/c\    static_configs: [{targets: ["127.0.0.1:1"]}]' "$1" >"$rendered/prometheus.yml"
    "$promtool" check config "$rendered/prometheus.yml"
}

# Every alert has a page of its own, a test in which it fires and one in which it does not.
check_alerts() {
    local name
    sed -n 's/^ *- alert: //p' monitoring/prometheus/rules/alerts.yml | while read -r name; do
        [ -f "monitoring/runbooks/$name.md" ] || echo "$name has no runbook"
        grep -q "runbooks/$name.md" monitoring/prometheus/rules/alerts.yml || echo "$name does not name its runbook"
        awk -v name="$name" '
            $1 == "alertname:" || ($1 == "-" && $2 == "alertname:") { mine = ($NF == name) }
            mine && $1 == "exp_alerts:" && $2 == "[]" { quiet = 1 }
            mine && $1 == "exp_alerts:" && $2 != "[]" { fires = 1 }
            END { if (!fires) print name " is never seen to fire"; if (!quiet) print name " is never seen to be quiet" }
        ' monitoring/prometheus/tests/alerts.yml
    done >"$rendered/alerts.txt"
    cat "$rendered/alerts.txt"
    [ ! -s "$rendered/alerts.txt" ]
}
check "alerts, pages and tests" check_alerts

if [ -n "$promtool" ]; then
    check "prometheus" check_prometheus monitoring/prometheus/prometheus.yml
    check "prometheus, k8s" check_prometheus monitoring/prometheus/kubernetes.yml
    check "rules" "$promtool" check rules monitoring/prometheus/rules/recording.yml monitoring/prometheus/rules/alerts.yml
    check "alerts" "$promtool" test rules monitoring/prometheus/tests/alerts.yml
else
    skipped+=("prometheus, rules and alerts (promtool is missing: apt-get install prometheus)")
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
if $require && [ ${#skipped[@]} -gt 0 ]; then
    echo "FAIL: --require, and something was skipped"
    exit 1
fi
echo "operations: everything ok, ${#skipped[@]} skipped"
