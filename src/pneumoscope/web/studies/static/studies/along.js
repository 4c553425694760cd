// What was typed of the patient goes along with every file: said where files are chosen, because the
// next file may be of another patient.
"use strict";
(() => {
  const patient = document.getElementById("patient-fields");
  const along = document.getElementById("goes-along");
  if (!patient || !along) return;

  const spoken = (control) => control.selectedOptions?.[0].textContent ?? control.value;
  const said = (field) => {
    const controls = [...field.querySelectorAll("input, select")];
    if (!controls[0].value) return "";
    const unit = field.querySelector(".with-unit > .quiet")?.textContent ?? "";
    return [field.querySelector("label").textContent, ...controls.map(spoken), unit].join(" ").trim();
  };
  const tell = () => {
    const fields = [...patient.querySelectorAll(".field")].map(said);
    const symptoms = [...patient.querySelectorAll(".symptoms :checked")].map((box) => box.labels[0].textContent);
    const all = [...fields, ...symptoms].map((each) => each.trim()).filter(Boolean);
    along.hidden = !all.length;
    along.querySelector("[data-along]").textContent = all.join(" · ");
  };
  patient.addEventListener("input", tell);
  patient.addEventListener("reset", () => setTimeout(tell));
  addEventListener("pageshow", tell);
})();
