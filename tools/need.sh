#!/bin/sh
# Installs what boots the image and plays its hosts, with apt-get where root or
# sudo may, and says what to install where not.
missing=""
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"; }
need qemu-system-aarch64 qemu-system-arm
need ip iproute2
need ping iputils-ping
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
	if [ "$(id -u)" = 0 ]; then
		run=""
	elif sudo -n true 2>/dev/null; then
		run="sudo -n"
	else
		echo "missing:$missing. Install with: sudo apt-get install$missing" >&2
		exit 1
	fi
	echo "installing:$missing"
	$run apt-get update -qq &&
		$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
		{ echo "apt-get failed; install by hand:$missing" >&2; exit 1; }
else
	echo "missing: install the packages that your system has for these of Debian:$missing" >&2
	exit 1
fi
