/** The page: a file and a picture are chosen, in any order, and the classes appear. */
import { classify, openClassifier } from './classify.mjs';

const [model, picture, answer] = ['model', 'picture', 'answer'].map((id) => document.getElementById(id));
let classifier;

model.addEventListener('change', async () => {
  classifier = undefined;
  await telling('Reading the file …', async () => {
    const bytes = new Uint8Array(await model.files[0].arrayBuffer());
    classifier = await openClassifier(bytes);
    return `A ${classifier.architecture} of ${classifier.classes.length} classes. Choose a picture.`;
  });
  if (picture.files.length > 0) await answerPicture();
});

picture.addEventListener('change', answerPicture);

async function answerPicture() {
  if (!classifier || picture.files.length === 0) return;
  await telling('Looking …', async () => {
    const classes = await classify(classifier, picture.files[0]);
    const lines = classes.slice(0, 5).map(({ name, probability }) => `${name}: ${(100 * probability).toFixed(1)} %`);
    return lines.join('\n');
  });
}

/** Shows what is being done, then what came of it. */
async function telling(doing, work) {
  answer.textContent = doing;
  try {
    answer.textContent = await work();
  } catch (error) {
    answer.textContent = error.message;
  }
}
