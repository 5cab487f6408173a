"""The words of Assay as frozen dataclasses and enums: start at `post`, `judgement` and `verdict`."""
