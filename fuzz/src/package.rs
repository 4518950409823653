//! A model package that is right: the seed report's network, all weights 0.

use std::sync::OnceLock;

use autochrome_models::net::{NetConfig, SeedReportConfig};
use sha2::{Digest, Sha256};

/// Bytes of its weights, without the header.
pub fn data() -> u64 {
    parts().1
}

/// The header of its weights.
pub fn header() -> &'static str {
    &parts().0
}

fn parts() -> &'static (String, u64) {
    static PARTS: OnceLock<(String, u64)> = OnceLock::new();
    PARTS.get_or_init(|| {
        let network = NetConfig::SeedReport(SeedReportConfig::default());
        let (mut entries, mut end) = (Vec::new(), 0);
        for spec in network.tensor_specs(2).expect("the network exists") {
            let begin = end;
            end += spec.shape.iter().product::<i64>().unsigned_abs() * 4;
            let (name, shape) = (spec.name, spec.shape);
            entries.push(format!(
                r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
            ));
        }
        (format!("{{{}}}", entries.join(",")), end)
    })
}

/// Its `model.toml`.
pub fn manifest() -> String {
    let mut hash = Sha256::new();
    hash.update((header().len() as u64).to_le_bytes());
    hash.update(header());
    hash.update(vec![0; usize::try_from(data()).expect("a small model")]);
    let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "schema = 1\nname = \"tiny\"\ndescription = \"all weights 0\"\nlicense = \"CC0-1.0\"\n\n[network]\n\
         name = \"seed-report\"\n\n[input]\nworking_size = 64\n\n[codec]\nname = \"regression\"\nscale = 40.0\n\n\
         [weights]\nfile = \"weights.safetensors\"\nsha256 = \"{sha256}\"\n"
    )
}
