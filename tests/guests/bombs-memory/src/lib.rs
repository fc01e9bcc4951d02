//! Asks for more memory than it declared: bit by bit, or at once while it watches whether it gets it.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[detection]
fn detect(event: &Event, cx: &mut Context) {
    let message = match event.api_operation() {
        Some("BitByBit") => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 64 << 10]);
                core::hint::black_box(&hoard);
            }
        }
        // An answer that depends on how much the host had to give.
        Some("AtOnce") => match Vec::<u8>::new().try_reserve_exact(1 << 30) {
            Ok(()) => "got a GiB",
            Err(_) => "was told that there is no GiB",
        },
        _ => "was modest",
    };
    cx.find(Finding::new(class::Privilege, 60).message(message));
}
