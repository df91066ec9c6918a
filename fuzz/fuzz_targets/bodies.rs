//! Answers, counts and refusals of every provider: nothing panics.
#![no_main]
use cape_gateways::usage::providers::fuzzing::Speaker;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for speaker in Speaker::ALL {
        speaker.read_whole(body);
    }
});
