//! x
use kennel_core::{Interpolation, Preprocessing};
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|e| e.to_str()) {
            Some("jpg") => {
                let p = kennel_data::read_photo(&path).unwrap();
                std::fs::write(path.with_extension("dec"), p.as_raw()).unwrap();
            }
            Some("png") => {
                let p = kennel_data::read_photo(&path).unwrap();
                for (n, pct, i) in
                    [("a", 0.95, Interpolation::Bicubic), ("b", 0.875, Interpolation::Bilinear)]
                {
                    let q = kennel_data::prepare_pixels(&p, &Preprocessing::imagenet(224, pct, i));
                    std::fs::write(path.with_extension(n), q.as_raw()).unwrap();
                }
            }
            _ => {}
        }
    }
}
