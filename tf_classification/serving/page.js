// Asks the server about each crop that is dropped or chosen, a few at a time.
"use strict";
{
  const AT_A_TIME = 4;
  const answers = document.getElementById("answers");
  const message = document.getElementById("message");
  const drop = document.getElementById("drop");
  const model = JSON.parse(answers.dataset.facts);
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  function make(name, className, ...content) {
    const element = document.createElement(name);
    element.className = className;
    element.append(...content);
    return element;
  }

  function base64(file) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(file);
    });
  }

  async function ask(file) {
    const address = `/v1/models/${encodeURIComponent(model.name)}:predict`;
    const body = JSON.stringify({ instances: [{ image_bytes: { b64: await base64(file) } }] });
    const response = await fetch(address, { method: "POST", body });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error.replace(/^picture 0 cannot be read: /, ""));
    return answer.predictions[0];
  }

  // What is larger or longer than every crop that the model learnt from was probably not cut out.
  function unlikeCrops({ naturalWidth: width, naturalHeight: height }) {
    const usual = model.cropShape;
    if (!usual || !width) return "";
    const is = `This is ${width} × ${height} pixels. Is it a whole picture? The model learnt from crops `;
    const aspect = width / height;
    if (Math.max(width, height) > usual.longest_side)
      return `${is}of ${usual.longest_side} pixels at most.`;
    if (aspect < 0.99 * usual.least_aspect || aspect > 1.01 * usual.most_aspect)
      return `${is}whose width is ${usual.least_aspect} to ${usual.most_aspect} times their height.`;
    return "";
  }

  function verdict(label, probability) {
    const threshold = model.thresholds[label];
    if (threshold != null && probability >= threshold) return [make("b", "sure", `${label} ✓`)];
    if (!Object.keys(model.thresholds).length) return [make("b", "", label)];
    const from = threshold == null ? "is never accepted unseen" : `is accepted from ${percent(threshold)}`;
    return [make("b", "unsure", "unsure: have a look"), make("div", "muted", `${label} ${from}`)];
  }

  function row(label, probability) {
    const bar = document.createElement("meter");
    bar.value = probability;
    return make("li", "", make("span", "", label), bar, make("span", "", percent(probability)));
  }

  async function show(file, article, picture) {
    let answer;
    try {
      answer = await ask(file);
    } catch (error) {
      article.append(make("b", "refused", error.message));
      return "refused";
    }
    await picture.decode().catch(() => {});  // some browsers do not know TIFF
    const { top_classes: labels, top_probabilities: shares } = answer;
    article.append(...verdict(labels[0], shares[0]));
    const warning = unlikeCrops(picture);
    if (warning) article.append(make("p", "warning", warning));
    article.append(make("ol", "", ...labels.map((label, i) => row(label, shares[i]))));
    return article.querySelector(".unsure") ? "unsure" : "classified";
  }

  async function showAll(files) {
    const waiting = [...files].map((file) => {
      const picture = document.createElement("img");
      picture.src = URL.createObjectURL(file);
      picture.alt = "";
      const words = make("div", "", make("h2", "", file.name));
      const article = make("article", "", make("figure", "", picture), words);
      return { file, words, picture, article };
    });
    if (!waiting.length) return;
    for (const { picture } of waiting) picture.addEventListener("error", () => picture.remove());
    answers.prepend(...waiting.map(({ article }) => article));
    page.dress(answers);
    const total = waiting.length;
    const ends = [];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        message.textContent = `classifying ${ends.length + 1} of ${total} ...`;
        ends.push(await show(next.file, next.words, next.picture));
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    const number = (end) => ends.filter((other) => other === end).length;
    message.textContent =
      `${total - number("refused")} classified, of which ${number("unsure")} want a look; ` +
      `${number("refused")} refused`;
  }

  document.getElementById("file").addEventListener("change", (event) => {
    showAll(event.target.files);
    event.target.value = "";  // so that the same file can be chosen again
  });
  for (const kind of ["dragenter", "dragover"])
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  for (const kind of ["dragleave", "drop"])
    document.addEventListener(kind, () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    showAll(event.dataTransfer.files);
  });
}
