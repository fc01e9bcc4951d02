//! See `countersign_fuzz::telemetry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::telemetry::check(&countersign_formats::DirectoryLog, bytes);
});
