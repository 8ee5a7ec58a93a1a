//! Labels a photo with a run or an ONNX file:
//!
//!     cargo run --release -p kennel --example label -- RUN|FILE.onnx PHOTO

use kennel::Model;

fn main() -> kennel::Result<()> {
    let [model, photo] = &std::env::args().skip(1).collect::<Vec<_>>()[..] else {
        eprintln!("usage: label RUN|FILE.onnx PHOTO");
        std::process::exit(2);
    };
    let label = Model::open(model)?.label(photo)?;
    println!("{} {:.4}", label.name, label.probability);
    Ok(())
}
