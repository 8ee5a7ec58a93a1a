//! Draws photos: of the five breeds of the demonstration, or of those that its networks were
//! pretrained on.
//!
//! ```sh
//! cargo run --release -p kennel-demo --example draw -- \
//!     demo|pretraining|pretraining:BREEDS DIR PER_BREED SEED
//! ```
//!
//! `pretraining:12` draws twelve of those breeds: harder than the demonstration's five, because
//! their shapes are drawn at random and lie close together.

use std::path::Path;

use kennel_demo::{demo_breeds, pretraining_breeds, write_photos};

/// How many breeds the networks of the demonstration were pretrained on.
const PRETRAINING_BREEDS: usize = 40;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: draw demo|pretraining|pretraining:BREEDS DIR PER_BREED SEED";
    let [which, folder, per_breed, seed] = &arguments[..] else {
        panic!("{usage}");
    };
    let breeds = match which.as_str() {
        "demo" => demo_breeds(),
        "pretraining" => pretraining_breeds(PRETRAINING_BREEDS),
        other => {
            let breeds = other.strip_prefix("pretraining:").and_then(|count| count.parse().ok());
            pretraining_breeds(breeds.unwrap_or_else(|| panic!("{usage}")))
        }
    };
    let per_breed = per_breed.parse().expect("PER_BREED is a number");
    let seed = seed.parse().expect("SEED is a number");
    write_photos(Path::new(folder), &breeds, per_breed, seed)
        .unwrap_or_else(|error| panic!("{error}"));
}
