//! How much is unpacked and held at once.

use std::io::Read as _;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::*;

#[test]
fn room_is_waited_for() {
    let room = Room::new(10);
    let first = room.take(6);
    let (send, receive) = sync_channel(1);
    let other = Arc::clone(&room);
    let waits = std::thread::spawn(move || {
        // More than there is takes all there is.
        let all = other.take(1_000);
        send.send(all.amount).unwrap();
    });
    assert!(receive.recv_timeout(Duration::from_millis(100)).is_err());
    drop(first);
    assert_eq!(receive.recv_timeout(Duration::from_secs(10)), Ok(10));
    waits.join().unwrap();
    assert_eq!(*room.free.lock().unwrap(), 10);
}

#[test]
fn bytes_end_where_too_many_come() {
    for (bytes, left, too_much) in [(100, 100, false), (101, 100, true), (0, 0, false)] {
        let said = Arc::new(AtomicBool::new(false));
        let mut counted = Counted { bytes: Box::new(Cursor::new(vec![1; bytes])), left, too_much: Arc::clone(&said) };
        let mut buffer = [0; 7];
        let mut read = 0;
        while let count @ 1.. = counted.read(&mut buffer).unwrap() {
            read += count as u64;
        }
        assert!(read <= left);
        assert_eq!(said.load(Ordering::Relaxed), too_much, "{bytes}");
    }
}
