"""What a bundle is worth on radiographs set apart for it: `pneumoscope evaluate`.

cases (what is measured on) → readings (what the bundle said, through `core.pipeline.analyze`) →
figures, subgroups, localisation, robustness, masks, comparison → report.json, report.html.
"""
