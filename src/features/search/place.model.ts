/** How far the log of each chat has come into the index of words. */
import { Schema, type Connection, type mongo } from 'mongoose';

export interface PlaceDocument {
  /** The id of the chat, or `build` for the document that says which build is the present one. */
  _id: string;
  /** The index is built anew by counting this up: a place of an earlier build counts for nothing. */
  build: number;
  /** Messages up to `seq` are in the index, as changes up to `rev` have left them. */
  seq: number;
  rev: number;
}

const schema = new Schema<PlaceDocument>(
  {
    _id: { type: String, required: true },
    build: { type: Number, required: true },
    seq: { type: Number, required: true },
    rev: { type: Number, required: true },
  },
  { collection: 'searchPlaces', versionKey: false },
);

export type PlaceCollection = mongo.Collection<PlaceDocument>;

/** The connection must be open. */
export function placeCollection(connection: Connection): PlaceCollection {
  const model = connection.models['SearchPlace'] ?? connection.model('SearchPlace', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName);
}
