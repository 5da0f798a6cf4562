#!/bin/sh
# From nothing to a trained agent, its return, a video and a learning curve; earlier demos are left as they are.
set -eu
out=runs/demo
number=1
while [ -e "$out" ]; do
    number=$((number + 1))
    out=runs/demo-$number
done
argmaxq train cartpole/dqn --out "$out"
argmaxq evaluate "$out"
argmaxq watch "$out" --video "$out/cartpole.mp4"
printf '\nThe trained agent is in %s:\n' "$out"
find "$out" -maxdepth 1 -name '*.mp4' -exec echo '  video: {}' \; -o -maxdepth 1 -name '*.png' -exec echo '  curve: {}' \;
echo "Next: argmaxq list, or argmaxq train lunarlander/dqn (in the environment: . .venv/bin/activate)"
