//! A folder of photos with their heat maps.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use kennel_core::files;
use kennel_data::RgbImage;
use kennel_explain::{HeatMap, png, side_by_side};

use crate::failure::Failure;

/// A folder of pictures.
pub struct Pictures {
    folder: PathBuf,
    /// Names of this command's pictures.
    taken: HashSet<String>,
}

impl Pictures {
    /// Makes the folder.
    pub fn begin(folder: &Path) -> Result<Self, Failure> {
        files::create_dir_all(folder)?;
        Ok(Self { folder: folder.into(), taken: HashSet::new() })
    }

    /// Draws a photo beside its heat. Returns the path: the photo's name and `-heat.png`, with a
    /// number if another photo has that name, or if the photo itself does.
    pub fn draw(
        &mut self,
        photo: &str,
        seen: &RgbImage,
        heat: &HeatMap,
    ) -> Result<PathBuf, Failure> {
        let stem = match photo {
            "-" => "stdin".into(),
            photo => Path::new(photo).file_stem().unwrap_or_default().to_string_lossy(),
        };
        let name = |number: usize| match number {
            1 => format!("{stem}-heat.png"),
            number => format!("{stem}-heat-{number}.png"),
        };
        let is_free = |name: &String| {
            !self.taken.contains(name) && !files::is_same_place(self.folder.join(name), photo)
        };
        let name = (1..).map(name).find(is_free).expect("numbers do not end");
        let path = self.folder.join(&name);
        files::write_atomically(&path, &png(&side_by_side(seen, heat)))?;
        self.taken.insert(name);
        Ok(path)
    }
}
