//! The digest of the pixels of every file below folders, one line of JSON a file, for
//! `tools/check_jpegs.py`.
//!
//!     cargo run --release -p kennel-data --example decode_digest -- photos/

use kennel_core::files::sha256_bytes;
use serde_json::json;
use walkdir::WalkDir;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for folder in std::env::args().skip(1) {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry?;
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path();
            let line = match kennel_data::read_photo(path) {
                Ok(photo) => json!({
                    "path": path,
                    "width": photo.width(),
                    "height": photo.height(),
                    "sha256": sha256_bytes(photo.as_raw()),
                }),
                Err(reason) => json!({ "path": path, "error": reason.to_string() }),
            };
            println!("{line}");
        }
    }
    Ok(())
}
