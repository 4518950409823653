// The test. The idea: the answers given so far are the whole state. What is shown follows from their number, so a
// reload, which reads them back, goes on where the person was.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const test = JSON.parse($("test").textContent);
  const total = test.pairs.length;
  const counted = total - test.practice;
  const PAUSE = 700; // Milliseconds without pictures before a pair that is shown for a limited time.
  const STORE = `autochrome-turing-${test.id}`;

  // Some browsers give pages opened from a disk no storage, and say so by an exception.
  const storage = (() => {
    try {
      window.localStorage.getItem(STORE);
      return window.localStorage;
    } catch {
      return null;
    }
  })();

  const isAnswer = (answer) =>
    (answer?.side === "left" || answer?.side === "right") && Number.isFinite(answer.milliseconds);

  const load = () => {
    try {
      const kept = JSON.parse(storage?.getItem(STORE) ?? "[]");
      return Array.isArray(kept) && kept.length <= total && kept.every(isAnswer) ? kept : [];
    } catch {
      return [];
    }
  };

  const save = () => {
    try {
      storage?.setItem(STORE, JSON.stringify(answers));
    } catch {
      $("storage").hidden = false;
    }
  };

  // Stored so that reading the source does not tell the answer; see page.rs.
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const [key, nonce] = [bytes(test.key), bytes(test.nonce)];
  const realSide = (index) => ((key[index] ^ nonce[index]) & 1 ? "right" : "left");

  let answers = load();
  let shownAt = null; // When the pair on the stage became visible; null while it takes no answer.
  let presented = 0; // Tells a late timer that its pair has gone.

  const choices = [...document.querySelectorAll(".choice")];
  const pictures = choices.map((choice) => choice.querySelector("img"));
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  const show = (name) => {
    for (const id of ["intro", "stage", "end"]) $(id).hidden = id !== name;
    $("again").hidden = answers.length === 0;
  };

  const veil = (on) => $("choices").classList.toggle("hidden", on);

  const labelPair = (index) => {
    const practising = index < test.practice;
    const [nth, of] = practising ? [index + 1, test.practice] : [index - test.practice + 1, counted];
    $("progress").textContent = `${practising ? "Practice" : "Pair"} ${nth} of ${of}`;
    $("done").value = practising ? 0 : (nth - 1) / of;
  };

  const present = async () => {
    const index = answers.length;
    if (index === total) return finish();
    const mine = ++presented;
    shownAt = null;
    show("stage");
    veil(true);
    labelPair(index);
    $("feedback").hidden = true;
    $("hint").textContent = "";
    choices.forEach((choice) => choice.classList.remove("real", "colored"));
    pictures[0].src = test.pairs[index].left;
    pictures[1].src = test.pairs[index].right;
    // Both appear at once, and the clock starts then. A picture that another one replaces meanwhile is refused by
    // its `decode`; then this pair has gone, which the next line sees.
    const ready = pictures.map((picture) => picture.decode().catch(() => {}));
    await Promise.all([...ready, wait(test.seconds > 0 ? PAUSE : 0)]);
    if (mine !== presented) return;
    veil(false);
    shownAt = performance.now();
    if (test.seconds === 0) return;
    await wait(test.seconds * 1000);
    if (mine === presented && shownAt !== null) {
      veil(true);
      $("hint").textContent = "Which one was the photograph?";
    }
  };

  const choose = (side) => {
    if (shownAt === null || $("stage").hidden) return;
    const index = answers.length;
    answers.push({ side, milliseconds: Math.round(performance.now() - shownAt) });
    shownAt = null;
    save();
    if (index < test.practice) tell(index, side);
    else present();
  };

  const tell = (index, side) => {
    const real = realSide(index);
    for (const choice of choices) choice.classList.add(choice.dataset.side === real ? "real" : "colored");
    veil(false);
    $("hint").textContent = "";
    $("verdict").textContent =
      side === real ? `Right: the ${real} one is the photograph.` : `No: the ${real} one is the photograph.`;
    $("feedback").hidden = false;
    $("again").hidden = false;
    $("next").focus();
  };

  // The pairs that count, in order.
  const results = () =>
    answers.slice(test.practice).map((answer, nth) => {
      const index = test.practice + nth;
      const real = realSide(index);
      return { ...answer, index, pair: nth + 1, name: test.pairs[index].name, real, fooled: answer.side !== real };
    });

  // Wilson's interval (1927) for k of n at 95%.
  const wilson = (k, n) => {
    const z = 1.959964;
    const p = k / n;
    const scale = 1 + (z * z) / n;
    const middle = (p + (z * z) / (2 * n)) / scale;
    const half = (z / scale) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  };

  const csv = (rows) => {
    const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
    const line = (row) =>
      [row.pair, quoted(row.name), row.real, row.side, Number(row.fooled), row.milliseconds].join(",");
    return ["pair,name,real_side,answer,fooled,milliseconds", ...rows.map(line)].join("\n") + "\n";
  };

  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  const reviewItem = (row) => {
    const item = document.createElement("li");
    const verdict = row.fooled ? "the colors passed for real" : "found out";
    const row_of_pictures = document.createElement("div");
    for (const side of ["left", "right"]) {
      const figure = document.createElement("figure");
      const what = side === row.real ? "photograph" : "colored by the program";
      const picture = Object.assign(new Image(), { src: test.pairs[row.index][side], alt: what });
      figure.append(picture, element("figcaption", what));
      row_of_pictures.append(figure);
    }
    item.append(element("p", `${row.pair}. ${row.name}: ${verdict}`), row_of_pictures);
    return item;
  };

  const percent = (share) => `${(100 * share).toFixed(1)}%`;

  const finish = () => {
    show("end");
    const rows = results();
    const fooled = rows.filter((row) => row.fooled).length;
    const [low, high] = wilson(fooled, counted);
    $("score").textContent =
      `In ${fooled} of ${counted} pairs (${percent(fooled / counted)}) the picture colored by the model ` +
      `"${test.model}" was taken for the photograph; 95% interval ${percent(low)} to ${percent(high)}.`;
    $("interval").style.left = percent(low);
    $("interval").style.width = percent(high - low);
    $("point").style.left = percent(fooled / counted);
    $("csv").textContent = csv(rows);
    $("pairs").replaceChildren(...rows.map(reviewItem));
    $("result").focus();
  };

  const download = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([$("csv").textContent], { type: "text/csv" }));
    link.download = `turing-${test.model}-${test.id.slice(0, 6)}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  // Answers are lost by this, so it takes two clicks.
  const again = () => {
    const button = $("again");
    if (!button.classList.contains("confirm")) {
      button.classList.add("confirm");
      button.textContent = `Erase ${answers.length === 1 ? "the answer" : `${answers.length} answers`} and start again?`;
      return;
    }
    calm();
    answers = [];
    save();
    begin();
  };

  const calm = () => {
    $("again").classList.remove("confirm");
    $("again").textContent = "Start again";
  };

  const begin = () => {
    presented += 1;
    shownAt = null;
    if (answers.length === total) return finish();
    show("intro");
    $("start").textContent = answers.length === 0 ? "Start" : "Go on";
    $("kept").textContent =
      answers.length === 0 ? "" : `${answers.length} of ${total} pairs are answered already, on this computer.`;
    $("start").focus();
  };

  $("start").addEventListener("click", () => {
    present();
    $("question").focus();
  });
  $("next").addEventListener("click", () => {
    present();
    $("question").focus();
  });
  $("download").addEventListener("click", download);
  $("copy").addEventListener("click", () => $("csv").select());
  $("again").addEventListener("click", again);
  $("again").addEventListener("blur", calm);
  choices.forEach((choice) => choice.addEventListener("click", () => choose(choice.dataset.side)));
  document.addEventListener("keydown", (event) => {
    const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
    if (!side || event.repeat || event.altKey || event.ctrlKey || event.metaKey || $("stage").hidden) return;
    event.preventDefault();
    choose(side);
  });
  $("storage").hidden = storage !== null;
  begin();
})();
