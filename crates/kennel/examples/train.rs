//! Trains a new classifier on a folder with one folder of photos per class:
//!
//!     cargo run --release -p kennel --example train -- PHOTOS OUT MODEL WEIGHTS

use std::path::Path;

fn main() -> kennel::Result<()> {
    let [photos, out, model, weights] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        eprintln!("usage: train PHOTOS OUT MODEL WEIGHTS");
        std::process::exit(2);
    };
    let out = Path::new(out);
    let data = kennel::prepare(photos, out.join("data"))?;
    let training = kennel::Training::new(model, &data).weights(weights.as_str());
    let run = training.runs(out.join("runs")).cache(out.join("cache")).train()?;
    println!("{}", run.path().display());
    for (split, accuracy) in [("validation", run.validation()), ("test", run.test())] {
        println!(
            "{split} {}",
            accuracy.map_or("no photos".into(), |accuracy| accuracy.to_string())
        );
    }
    Ok(())
}
