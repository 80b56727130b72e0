#!/usr/bin/env bash
# Makes every checkpoint, golden.json and GGUF of this folder again: see README.md. make_all.sh LLAMA_CPP_DIR
set -euo pipefail
cd "$(dirname "$0")"
for script in */make_checkpoints.py; do
  python3 "$script"
done
python3 make_ggufs.py --llama-cpp "$1"
