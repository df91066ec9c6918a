# What is done often. `just` lists it.

# List the recipes
default:
    @just --list

# Start the platform on http://127.0.0.1:8080, with an embedded database and emulated vendors
run *args:
    cargo run -p cape-api -- {{ args }}

# Run the tests; databases by TEST_DATABASE_URL and TEST_REDIS_URL
test *args:
    cargo test --workspace {{ args }}

# Do all that has to hold before a change goes in
ci:
    .ci/run

# Look for what the compiler does not
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p cape-api --no-default-features -- -D warnings

# Format everything
fmt:
    cargo fmt --all

# Write the OpenAPI document anew
openapi:
    cargo run --quiet -p cape-api -- openapi > openapi/openapi.json.new
    mv openapi/openapi.json.new openapi/openapi.json

# Check dependencies, their licences and who may use them; needs cargo-deny
deny:
    cargo deny check

# Do the whole main job over HTTP, with the built binary
smoke:
    cargo build -p cape-api
    .ci/smoke target/debug/cape-api

# See what OpenAI's own SDK makes of the built binary; needs Python and its index
sdk:
    cargo build -p cape-api
    python3 -m venv target/python
    target/python/bin/python -m pip install --quiet --requirement .ci/requirements.txt
    target/python/bin/python .ci/openai_sdk.py "$(realpath target/debug/cape-api)"

# See what a real SMTP server is handed; needs Python and its index
smtp:
    cargo build -p cape-api
    python3 -m venv target/python
    target/python/bin/python -m pip install --quiet --requirement .ci/requirements.txt
    target/python/bin/python .ci/smtp.py target/debug/cape-api

# Run the tests again and again, optimised: what depends on luck shows. And see what time tells
nightly rounds="20": timing (fuzz "600")
    for round in $(seq {{ rounds }}); do cargo test --workspace --release || exit 1; done

# Look for bytes that whoever reads the providers' answers cannot stand; needs cargo-fuzz and a nightly
# compiler. What is found is kept in fuzz/corpus, and read again by the tests
fuzz seconds="600":
    cargo +nightly fuzz run streams -- -max_total_time={{ seconds }} -timeout=10 -rss_limit_mb=1024
    cargo +nightly fuzz run bodies -- -max_total_time={{ seconds }} -timeout=10 -rss_limit_mb=1024

# Measure whether the time that an answer takes tells who has an account
timing *args:
    cargo build --release -p cape-api --bin cape-api --example timing
    target/release/examples/timing {{ args }}

# Measure a release build; `just bench --database-url postgres://…` does it on that server
bench *args:
    cargo build --release -p cape-api --bin cape-api --example bench
    target/release/examples/bench {{ args }}
