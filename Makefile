export UV_PYTHON_DOWNLOADS := never
UV := .tools/bin/uv
PY := .venv/bin/python

.venv/.done: pyproject.toml requirements-dev.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python python3 .venv
	$(UV) pip sync --quiet --require-hashes --python $(PY) requirements-dev.txt
	$(UV) pip install --quiet --no-deps --python $(PY) -e .
	touch $@

$(UV):
	python3 -m pip install --quiet --target .tools uv
