#!/usr/bin/env bash
# A SLURM of its own on this machine, for tests; needs root and Debian's slurmctld, slurmd, slurm-client and munge.
#     tests/slurm/cluster.sh start DIR
#     tests/slurm/cluster.sh stop DIR
# Everything is in DIR but the link /etc/slurm/slurm.conf: Snakemake's job steps do not pass SLURM_CONF on.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
action=$1 dir=$2

conf=/etc/slurm/slurm.conf

start() {
    if [ -e "$conf" ]; then echo "$conf exists: this machine has a SLURM already" >&2; exit 1; fi
    mkdir -p "$dir"/{state,spool}
    chmod 755 "$dir"
    head -c 1024 /dev/urandom >"$dir/munge.key"
    chmod 400 "$dir/munge.key"
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
        --log-file="$dir/munged.log" --seed-file="$dir/munged.seed"

    # SLURM hands out any character devices as GPUs; these are copies of /dev/null.
    for i in 0 1; do mknod "$dir/gpu$i" c 1 3; done

    local port
    port=$(shuf -i 20000-29998 -n 1)
    for file in slurm.conf gres.conf; do
        sed -e "s#@DIR@#$dir#g; s#@HOST@#$(hostname -s)#g; s#@PORT@#$port#; s#@NODE_PORT@#$((port + 1))#" \
            "$here/$file.in" >"$dir/$file"
    done
    mkdir -p "$(dirname "$conf")"
    ln -sf "$dir/slurm.conf" "$conf"
    export SLURM_CONF=$dir/slurm.conf # gres.conf is beside it
    slurmctld -c
    slurmd -N "$(hostname -s)"
    for _ in $(seq 60); do
        if sinfo --noheader --format=%T 2>/dev/null | grep -q idle; then return; fi
        sleep 0.5
    done
    echo "the node is not idle after 30 s; see $dir/slurmctld.log and $dir/slurmd.log" >&2
    exit 1
}

stop() {
    for daemon in slurmd slurmctld munged; do
        if [ -s "$dir/$daemon.pid" ]; then kill "$(cat "$dir/$daemon.pid")" || true; fi
    done
    if [ "$(readlink "$conf")" = "$dir/slurm.conf" ]; then rm "$conf"; fi
}

"$action"
