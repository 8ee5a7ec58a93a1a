//! What `kennel prepare` does, timed: counts, rejected files, duplicates, notes.
//!
//!     cargo run -p kennel-data --example prepare -- photos/ data/processed

use std::path::Path;
use std::time::Instant;

use kennel_core::{Split, Task};
use kennel_data::{Dataset, Loader, LoaderOptions, PrepareOptions, Transform, prepare, shuffled};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (source, out) =
        (arguments.next().ok_or("the source?")?, arguments.next().ok_or("the output?")?);
    let start = Instant::now();
    let prepared = prepare(
        Path::new(&source),
        Path::new(&out),
        &PrepareOptions::default(),
        Task::unwatched(),
    )?;
    println!("{:?} in {:.1} s", prepared.outcome, start.elapsed().as_secs_f64());
    let manifest = prepared.manifest;
    println!("{:?}, {:?}", manifest.classes, manifest.counts(None));
    println!(
        "rejected {:#?}\nduplicates {:#?}\nnotes {:#?}",
        manifest.rejected, manifest.duplicates, manifest.notes
    );

    let dataset = Dataset::open(Path::new(&out))?;
    let photos = dataset.photos(Split::Train);
    let options = LoaderOptions::default();
    for view in 0..2 {
        let transform = Transform::Train {
            augmentation: Default::default(),
            preprocessing: kennel_core::Preprocessing::imagenet(
                224,
                0.875,
                kennel_core::Interpolation::Bicubic,
            ),
            seed: 42,
            view,
        };
        let start = Instant::now();
        for batch in Loader::new(photos, shuffled(photos.len(), 42, view), transform, 32, &options)
        {
            batch?;
        }
        let rate = photos.len() as f64 / start.elapsed().as_secs_f64();
        println!(
            "epoch {view}: {rate:.0} photos/s, {} MB of decoded photos held",
            options.cache.held_bytes() >> 20
        );
    }
    Ok(())
}
