#!/bin/sh
# Writes the digest that each image has today behind its tag, into compose.yml and the Dockerfile. Asks the images'
# registry by docker's buildx, so it runs where docker can reach one; run it again to move on to newer images.
set -eu
cd "$(dirname "$0")/.."

digest_of() {
    digest=$(docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}')
    if ! printf '%s' "$digest" | grep -Eqx 'sha256:[0-9a-f]{64}'; then
        echo "docker gave no digest for $1: $digest" >&2
        return 1
    fi
    printf '%s' "$digest"
}

pin() {
    for image in $(sed -En "s/$2([^ @]+)(@sha256:[0-9a-f]+)?( .*)?\$/\\1/p" "$1" | sort -u); do
        # Ours is built here.
        case $image in aditus:*) continue ;; esac
        digest=$(digest_of "$image")
        sed -Ei "s|($2$image)(@sha256:[0-9a-f]+)?( .*)?\$|\\1@$digest\\3|" "$1"
        echo "$1: $image is $digest"
    done
}

pin compose.yml '^ +image: '
pin Dockerfile '^FROM '
