//! Streams of server-sent events of every provider: nothing panics, and where a stream is cut on
//! its way makes no difference.
#![no_main]
use cape_gateways::usage::providers::fuzzing::Speaker;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let size = bytes.first().map_or(1, |first| usize::from(first % 32) + 1);
    for speaker in Speaker::ALL {
        speaker.read_stream(bytes, size);
    }
});
