#!/bin/sh
# Wheels for a machine without a network: Python 3.12, CUDA 13, x86-64, whose own packages are those
# of an ordinary PyTorch image (huggingface_hub 1, httpx, pandas, pyarrow, ...). Versions are those
# of the environment this runs in. 41 MB in output/wheels, which git ignores.
set -eu
to=output/wheels
rm -rf "$to"
python -m pip download -q --no-deps --only-binary=:all: -d "$to" \
  --python-version 3.12 --implementation cp --platform manylinux_2_28_x86_64 \
  --platform manylinux_2_27_x86_64 --platform manylinux_2_24_x86_64 \
  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
  $(python -c 'import sys; from importlib.metadata import version
print(*(f"{name}=={version(name)}" for name in sys.argv[1:]))' \
    annotated-types bitsandbytes datasets dill jsonschema jsonschema-specifications \
    mistral-common multiprocess orjson peft pycountry pydantic pydantic-core \
    pydantic-extra-types referencing rpds-py sentencepiece torchao transformers trl \
    typing-inspection)
# Of bitsandbytes, 43 MB, only the library for CUDA 13.0.
zip -qd "$to"/bitsandbytes-*.whl '*_rocm*.so' '*_xpu*.so' '*_cuda1[12]*.so' '*_cuda132.so'
du -sh "$to"
