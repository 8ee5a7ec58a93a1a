//! The time to decode photos from memory, and the memory that it takes at most.
//!
//!     cargo run --release -p kennel-data --example decode_speed -- 2 photos/*.jpg
//!
//! The first argument is the number of threads: each decodes every photo, over and over, for three
//! seconds. Peak memory is `VmHWM` of Linux, with the files' bytes in it.

use std::time::{Duration, Instant};

const SPAN: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let threads: usize = arguments.next().ok_or("the number of threads?")?.parse()?;
    let photos = arguments.map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let mut pixels = 0;
    for photo in &photos {
        let photo = kennel_data::decode(photo)?.photo;
        pixels += u64::from(photo.width()) * u64::from(photo.height());
    }
    let start = Instant::now();
    let rounds: u64 = std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| decode_for_a_span(&photos))).collect();
        all.into_iter().map(|thread| thread.join().expect("a thread")).sum()
    });
    let seconds = start.elapsed().as_secs_f64();
    let decoded = rounds * photos.len() as u64;
    println!(
        "{threads} threads: {:.2} ms a photo of {:.2} megapixels, {:.1} photos/s, {:.0} \
         megapixels/s",
        seconds * 1000.0 * threads as f64 / decoded as f64,
        pixels as f64 / photos.len() as f64 / 1e6,
        decoded as f64 / seconds,
        rounds as f64 * pixels as f64 / 1e6 / seconds,
    );
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
            println!("{line}");
        }
    }
    Ok(())
}

/// How often this thread decoded every photo.
fn decode_for_a_span(photos: &[Vec<u8>]) -> u64 {
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < SPAN {
        for photo in photos {
            kennel_data::decode(photo).expect("it was decoded before");
        }
        rounds += 1;
    }
    rounds
}
