#!/usr/bin/env bash
# Train on every visible GPU, or on the CPU, and go on by itself after a crash:
#
#   finetune/launch.sh CONFIG [--set KEY=VALUE]… [--fresh] [--json]
#
# CONFIG is a recipe: a file, or a shipped one by name: aurora, recommended, tiny. Paths in it start
# at the current folder.
#
# PYTHON names the interpreter (default: .venv/bin/python of this checkout, else python3),
# CUDA_VISIBLE_DEVICES which GPUs to use (default: all), RESTARTS how often a run that was killed
# before it saved a checkpoint may be started again (default: 10). A run that ends by itself, well
# or with an error, is not repeated.
set -euo pipefail

if [[ $# -eq 0 || $1 == -h || $1 == --help ]]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"
  exit $(($# == 0 ? 2 : 0))
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
config=$1
shift
# A file of this checkout is found from anywhere.
if [[ ! -e $config && -f $root/$config ]]; then config=$root/$config; fi

if [[ -z ${PYTHON:-} ]]; then
  PYTHON=$root/.venv/bin/python
  [[ -x $PYTHON ]] || PYTHON=python3
fi
# A checkout need not be installed. The folder of installed packages must not come first.
if [[ -e $root/pyproject.toml ]]; then export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}; fi

# An installed package that cannot be imported is shown with its traceback.
gpus=$("$PYTHON" -c '
import sys
from importlib.util import find_spec
if not (find_spec("torch") and find_spec("accelerate")):
    sys.exit(1)
import torch
print(torch.cuda.device_count())
') || {
  echo "launch.sh: $PYTHON cannot train; pip install torch==2.13.0 && pip install 'aurora-zh[finetune]'" >&2
  exit 1
}
options=(--num_processes "$((gpus > 0 ? gpus : 1))" --num_machines 1)
options+=(--mixed_precision no --dynamo_backend no)
if ((gpus == 0)); then options+=(--cpu); fi
if ((gpus > 1)); then options+=(--multi_gpu --main_process_port 0); fi # any free port

# What the trainer tells: see finetune/training/launcher.py.
status=$(mktemp -d)
child=
stopping=
trap 'rm -rf "$status"' EXIT
trap 'stopping=1; [[ -z $child ]] || kill -TERM -- "-$child" 2>/dev/null || true' INT TERM
set -m # a group of its own for each run: all its processes get the signal, and are waited for

arguments=("$@")
code=0
kills=0
while ((kills <= ${RESTARTS:-10})); do
  rm -f "$status"/*
  AURORA_STATUS=$status "$PYTHON" -m accelerate.commands.accelerate_cli launch --quiet "${options[@]}" \
    -m finetune.train --config "$config" ${arguments[@]+"${arguments[@]}"} &
  child=$!
  code=0
  wait "$child" || code=$?
  while kill -0 -- "-$child" 2>/dev/null; do sleep 0.2; done
  if ((code == 0)) && [[ -z $stopping ]]; then exit 0; fi
  if [[ -s $status/code ]]; then exit "$(sort -n "$status/code" | head -n 1)"; fi
  if [[ -n $stopping ]]; then exit 130; fi
  if [[ -e $status/saved ]]; then kills=0; else kills=$((kills + 1)); fi
  echo "launch.sh: the run was killed (code $code); it goes on from its last checkpoint" >&2
  # What was asked to begin anew has begun.
  kept=()
  for argument in ${arguments[@]+"${arguments[@]}"}; do
    [[ $argument == --fresh ]] || kept+=("$argument")
  done
  arguments=(${kept[@]+"${kept[@]}"})
  sleep "${PAUSE:-5}"
done
echo "launch.sh: killed $kills times before a checkpoint was saved; is there enough memory? See: $PYTHON -m finetune.plan" >&2
exit "$code"
