//! Draws photos: of the five breeds of the demonstration, or of those that its networks were
//! pretrained on.
//!
//! ```sh
//! cargo run --release -p kennel-demo --example draw -- demo|pretraining DIR PER_BREED SEED
//! ```

use std::path::Path;

use kennel_demo::{demo_breeds, pretraining_breeds, write_photos};

/// How many breeds the networks of the demonstration were pretrained on.
const PRETRAINING_BREEDS: usize = 40;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [which, folder, per_breed, seed] = &arguments[..] else {
        panic!("usage: draw demo|pretraining DIR PER_BREED SEED");
    };
    let breeds = match which.as_str() {
        "demo" => demo_breeds(),
        "pretraining" => pretraining_breeds(PRETRAINING_BREEDS),
        other => panic!("{other}: expected demo or pretraining"),
    };
    let per_breed = per_breed.parse().expect("PER_BREED is a number");
    let seed = seed.parse().expect("SEED is a number");
    write_photos(Path::new(folder), &breeds, per_breed, seed)
        .unwrap_or_else(|error| panic!("{error}"));
}
