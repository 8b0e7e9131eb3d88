//! The published files: where they come from and what they hash to.

/// One published file.
#[derive(Debug)]
pub struct DataFile {
    /// Path inside the data folder.
    pub file: &'static str,
    /// Repository of its source, `owner/name`.
    pub repository: &'static str,
    /// Commit of its source.
    pub commit: &'static str,
    /// Path inside the repository.
    pub source: &'static str,
    /// sha256 of the compressed file of the data folder (of the source where the source is compressed).
    pub sha256_gz: &'static str,
    /// sha256 of the plain content.
    pub sha256_plain: &'static str,
}

/// All files that the suites read.
pub const CATALOGUE: &[DataFile] = &[
    DataFile {
        file: "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz",
        repository: "evalplus/humanevalplus_release",
        commit: "200defce9e3429d28ca215b6dd061c0f7f31c18b",
        source: "HumanEvalPlus.jsonl.gz",
        sha256_gz: "272720b90ac375502c8ed23cd791c2a93dfb22a911641a494da74a426c09f101",
        sha256_plain: "42526ec0e7d5f3ee0b06d6ced98f8c8bae3d76519151bfb3d36f79010645bd7f",
    },
    DataFile {
        file: "humaneval_plus/HumanEvalPlus-Mini-v0.1.10.jsonl.gz",
        repository: "evalplus/humanevalplus_release",
        commit: "200defce9e3429d28ca215b6dd061c0f7f31c18b",
        source: "HumanEvalPlus-Mini.jsonl.gz",
        sha256_gz: "91486741f1627101021fbe50523df08eebb5b0bf5e804b633dcd5ca3c14dbd2f",
        sha256_plain: "78fbba8865b20c5a979cda6e02fd72538e1762e65980af7d1a6e93c3e87e93af",
    },
    DataFile {
        file: "mbpp_plus/MbppPlus-v0.2.0.jsonl.gz",
        repository: "evalplus/mbppplus_release",
        commit: "dadf43da556a00f7bacd71cb154f2932757d9144",
        source: "MbppPlus.jsonl.gz",
        sha256_gz: "af43697e8791c4c149bdfd6b489d8b5412507551ac20e28a439f650b8225db63",
        sha256_plain: "b54e762755248ca411b523c917fa9f93c07b5ff2966bf60b3917b853926a3dad",
    },
    DataFile {
        file: "aime24/test.jsonl.gz",
        repository: "LeapLabTHU/Absolute-Zero-Reasoner",
        commit: "a82124e514e27692aa9860c5ee21dbf9d81e3bc5",
        source: "evaluation/math_eval/eval/data/aime24/test.jsonl",
        sha256_gz: "9068c7dd02a6c0bc14adcf9053cbdbb96c504c00a82f1804d413b448bffa7f87",
        sha256_plain: "af2b8bd2aa911b6333ad0df32f3ca05c7ae8ed10f1731f4372c8ae26990bf7ac",
    },
    DataFile {
        file: "aime25/test.jsonl.gz",
        repository: "LeapLabTHU/Absolute-Zero-Reasoner",
        commit: "a82124e514e27692aa9860c5ee21dbf9d81e3bc5",
        source: "evaluation/math_eval/eval/data/aime25/test.jsonl",
        sha256_gz: "c7380d655af7c3a5fa6f6f3fd9a8502d955de58ec09b8c9a118fded1e271906f",
        sha256_plain: "20c1ca392758d96bd1e28af15d9f30df5660257927cacc9eac7301c29f677d1a",
    },
    DataFile {
        file: "amc23/test.jsonl.gz",
        repository: "LeapLabTHU/Absolute-Zero-Reasoner",
        commit: "a82124e514e27692aa9860c5ee21dbf9d81e3bc5",
        source: "evaluation/math_eval/eval/data/amc23/test.jsonl",
        sha256_gz: "2fb353bb0c56c90ffa8c5ceadfec75ef0c92833577da22051c4a1fab77430c77",
        sha256_plain: "43707e1ca784602d8479de24ee8ce36609dbebc46dd152b0b12a46611aa898a4",
    },
    DataFile {
        file: "math500/test.jsonl.gz",
        repository: "LeapLabTHU/Absolute-Zero-Reasoner",
        commit: "a82124e514e27692aa9860c5ee21dbf9d81e3bc5",
        source: "evaluation/math_eval/eval/data/math500/test.jsonl",
        sha256_gz: "8925526a0ba4ba6a857c625d3f22d987d80dde1bb1f6a75b0767855a8b457d15",
        sha256_plain: "35dc41080a3680858b27fa7e0533d2d547825316fc5dafe5d316f4ccc5a06132",
    },
    DataFile {
        file: "minerva/test.jsonl.gz",
        repository: "LeapLabTHU/Absolute-Zero-Reasoner",
        commit: "a82124e514e27692aa9860c5ee21dbf9d81e3bc5",
        source: "evaluation/math_eval/eval/data/minerva_math/test.jsonl",
        sha256_gz: "a3480ce6e5c99ad1ebeda5cdd7a946f6913602ef51156577633c73dd1688f848",
        sha256_plain: "0e656b430d3a0a1dab6aa853f453ba3805e28e2cabe4fc72486a897cc09d8ba2",
    },
    DataFile {
        file: "olympiadbench/test.jsonl.gz",
        repository: "LeapLabTHU/Absolute-Zero-Reasoner",
        commit: "a82124e514e27692aa9860c5ee21dbf9d81e3bc5",
        source: "evaluation/math_eval/eval/data/olympiadbench/test.jsonl",
        sha256_gz: "54528b34c0b2df3f7005bbd300361054e58f85276ffceeccabf1435d62230513",
        sha256_plain: "bb8c1e38a16ea9eacb77530315a674d883f267fbff79183effc53681b4fcc416",
    },
    DataFile {
        file: "cruxeval/cruxeval.jsonl.gz",
        repository: "facebookresearch/cruxeval",
        commit: "190faf16d175b5847b0af05d937872b1fb395942",
        source: "data/cruxeval.jsonl",
        sha256_gz: "9062d79f77f2c1c74e7c2aced32d8bcdd381d871d053ef91507bd3b1cb29bb32",
        sha256_plain: "8368b81047dc5014e4caf5a2f97604eff7644e0ecd7415e3ceeb184bbc2e0c96",
    },
];
